import { Command, InvalidArgumentError } from 'commander';
import { DrError } from '../contract/failures';
import type * as Lab from '../lab/lab';
import type * as LabState from '../lab/lab-state';
import type * as Shapes from '../lab/shapes';
import { note, print, printJson } from './output';
import { verb, withJson } from './program';

export function labCommand(): Command {
  const up = verb(
    'up',
    'Start a throwaway Vault cluster with Temporal, S3, agents and controller',
    'vault-dr lab up --detach',
  )
    .option('--directory <path>', 'where to keep it; empty or not there; default: among the temporary files')
    .option('--nodes <count>', 'Vault nodes, 1 to 7; default: 3, or what the shape has', parseCount)
    .option('--shape <name>', 'a way in which operators run Vault; see below')
    .option('--detach', 'leave it running in the background; end it with `vault-dr lab down`')
    .addHelpText('after', shapesInHelp)
    .action(runUp);
  const down = verb('down', 'End a lab and remove everything of it', 'vault-dr lab down /tmp/vault-dr-lab-x1y2z3')
    .argument('<directory>', 'directory of the lab, as `lab up` printed it')
    .action(async (directory: string, options: { json?: boolean }) => {
      const { endLab } = part(() => require('../lab/lab-state') as typeof LabState);
      await endLab(directory);
      if (options.json) printJson({ directory, ended: true });
      else print(`The lab in ${directory} is gone.`);
    });
  return new Command('lab')
    .description('A real installation on this machine, to try things on')
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
  if (options.json) printJson(facts);
  else {
    print(`\nLab in ${lab.directory}; Temporal's UI at ${lab.temporal.uiUrl}. To use it:`);
    print(`  export VAULT_DR_CONFIG=${lab.configFile} TEMPORAL_ADDRESS=${lab.temporal.address}`);
    print('  vault-dr backup --cluster lab');
    print(`Approve as bob with --key ${lab.directory}/people/bob; as frank with the key beside it.`);
    print(`Unseal shares and the root token are in ${lab.directory}/lab.json.`);
  }
  if (options.detach) {
    note(`End it with: vault-dr lab down ${lab.directory}`);
    return;
  }
  note('Ctrl-C ends it.');
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
  await lab.stop();
}

/** Help is given where the lab is not installed, too. */
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
 * Loaded when it is asked for: neither the lab nor its packages are installed with the product. Not by `import()`, which
 * would need the names of compiled files.
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
