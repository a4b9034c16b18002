import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleWorkflows } from './bundle-workflows';

/** Workflows, bundled at build time: a worker with a bundle polls a second after it is started. */
export const WORKFLOW_BUNDLE = join(__dirname, '..', '..', 'workflow-bundle.js');

async function main(): Promise<void> {
  const { code } = await bundleWorkflows();
  await writeFile(WORKFLOW_BUNDLE, code);
}

if (require.main === module) {
  main().catch((error: Error) => {
    process.stderr.write(`${error.stack ?? error.message}\n`);
    process.exitCode = 1;
  });
}
