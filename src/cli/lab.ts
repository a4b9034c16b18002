import { type Command, InvalidArgumentError } from 'commander';
import { DrError } from '../contract/failures';
import type * as Lab from '../lab/lab';
import type * as LabState from '../lab/lab-state';
import type * as Shapes from '../lab/shapes';
import { note, print, printJson } from './output';
import { family, verb, withJson } from './program';

export function labCommand(): Command {
  const up = verb('up', 'Start a Vault cluster with Temporal, S3, agents and controller', 'vault-dr lab up --detach')
    .option('--directory <path>', 'where to keep it, empty or missing; default: a temporary one')
    .option('--nodes <count>', 'number of Vault nodes, 1 to 7; default: 3, or as the shape says', parseCount)
    .option('--shape <name>', 'how Vault is set up; see the list below')
    .option('--detach', 'leave it running; to end it: vault-dr lab down DIRECTORY')
    .addHelpText('after', shapesInHelp)
    .action(runUp);
  const down = verb('down', 'End a lab and delete its directory', 'vault-dr lab down /tmp/vault-dr-lab-x1y2z3')
    .argument('<directory>', 'directory of the lab, as printed by `lab up`')
    .action(async (directory: string, options: { json?: boolean }) => {
      const { endLab } = part(() => require('../lab/lab-state') as typeof LabState);
      await endLab(directory);
      if (options.json) printJson('lab-down', { directory, ended: true });
      else print(`Lab ended; ${directory} deleted.`);
    });
  return family('lab', 'Run a throwaway installation, in a checkout of the project')
    .addCommand(withJson(up))
    .addCommand(withJson(down));
}

interface UpOptions {
  json?: boolean;
  directory?: string;
  nodes?: number;
  shape?: string;
  detach?: boolean;
}

async function runUp(options: UpOptions): Promise<void> {
  const { startLab } = part(() => require('../lab/lab') as typeof Lab);
  const lab = await startLab({
    ...(options.nodes === undefined ? {} : { nodes: options.nodes }),
    ...(options.shape === undefined ? {} : { shape: shapes().shapeNamed(options.shape) }),
    keep: options.detach === true,
    onStep: note,
    ...(options.directory === undefined ? {} : { directory: options.directory }),
  });
  const facts = {
    directory: lab.directory,
    config: lab.configFile,
    temporalAddress: lab.temporal.address,
    temporalUi: lab.temporal.uiUrl,
    s3Endpoint: lab.s3.endpoint,
    nodes: lab.nodes.map(({ name, address }) => ({ name, address })),
  };
  if (options.json) printJson('lab-up', facts);
  else {
    print(`\nLab in ${lab.directory}; Temporal Web UI at ${lab.temporal.uiUrl}. To use it:`);
    print(`  export VAULT_DR_CONFIG=${lab.configFile} TEMPORAL_ADDRESS=${lab.temporal.address}`);
    print('  vault-dr backup --cluster lab');
    print(`Approve as bob with --key ${lab.directory}/people/bob, as frank with the key next to it.`);
    print(`Unseal shares and the root token are in ${lab.directory}/lab.json.`);
  }
  if (options.detach) {
    note(`To end it: vault-dr lab down ${lab.directory}`);
    return;
  }
  note('Ctrl-C ends it.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  await lab.stop();
}

/** Empty where the lab is not installed: help works there too. */
function shapesInHelp(): string {
  try {
    return `\nShapes:\n${shapes().listOfShapes()}`;
  } catch {
    return '';
  }
}

function shapes(): typeof Shapes {
  return part(() => require('../lab/shapes') as typeof Shapes);
}

/**
 * Loaded on demand: neither the lab nor its packages are installed with the product. Not by `import()`, which would need the
 * names of compiled files.
 */
function part<T>(load: () => T): T {
  try {
    return load();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new DrError('InvalidConfiguration', 'The lab is not part of this installation.', {
      advice: 'Run it from a checkout: `npm run demo`; or `npm ci`, `npm run build` and `bin/vault-dr.js lab up`.',
      cause,
    });
  }
}

function parseCount(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 7) return count;
  throw new InvalidArgumentError('It must be a whole number from 1 to 7.');
}
