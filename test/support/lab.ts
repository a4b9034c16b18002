import { type Lab, type LabOptions, startLab } from '../../src/lab/lab';
import { asksForJson, checkDocument } from './cli-documents';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 30_000;

/**
 * One lab for all tests of a file. With VAULT_DR_KEEP_LAB in the environment it stays, for a look at its logs, and the
 * file says where.
 * @param options or what makes them, before the lab starts
 * @returns a function that answers with the lab; only tests and hooks may call it
 */
export function useLab(options: LabOptions | (() => Promise<LabOptions>) = {}): () => Lab {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = checked(await startLab(typeof options === 'function' ? await options() : options));
  }, START_TIMEOUT_MS);
  afterAll(async () => {
    if (process.env['VAULT_DR_KEEP_LAB']) {
      await lab?.keep();
      process.stderr.write(`The lab in ${lab?.directory} runs on.\n`);
    } else {
      await lab?.stop();
    }
  }, STOP_TIMEOUT_MS);
  return () => {
    if (lab) return lab;
    throw new Error('The lab is there only while tests run.');
  };
}

/** Each document that a command prints in a test is held to its schema. */
function checked(lab: Lab): Lab {
  return {
    ...lab,
    async cli(args, options) {
      const result = await lab.cli(args, options);
      // A command that a test kills prints nothing.
      if (asksForJson(args) && result.stdout !== '') checkDocument(args, result.stdout);
      return result;
    },
  };
}
