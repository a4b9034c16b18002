import { DrError } from '../contract/failures';
import type * as Lab from '../lab/lab';
import type * as LabState from '../lab/lab-state';
import type * as Shapes from '../lab/shapes';
import { note, print, printJson } from './output';

interface UpOptions {
  json?: boolean;
  directory?: string;
  nodes?: number;
  shape?: string;
  detach?: boolean;
}

export async function runUp(options: UpOptions): Promise<void> {
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

export async function runDown(directory: string, options: { json?: boolean }): Promise<void> {
  const { endLab } = part(() => require('../lab/lab-state') as typeof LabState);
  await endLab(directory);
  if (options.json) printJson('lab-down', { directory, ended: true });
  else print(`Lab ended; ${directory} deleted.`);
}

/** Empty where the lab is not installed: help works there too. */
export function shapesInHelp(): string {
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
