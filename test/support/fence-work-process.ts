import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type * as FenceModule from '../../src/sandbox/fence';
import { compiled } from '../../src/lab/project-root';

/** What a sandbox host does within the limits of its unit: a fence with a program in it. By step: `ok`, or why not. */
const { Fence } = require(compiled('src/sandbox/fence.js')) as typeof FenceModule;
const STATE = '/var/lib/vault-dr/sandbox';
const PROGRAM = '/usr/local/bin/scratch-vault';
const seal = {
  type: 'transit',
  settings: {},
  environment: {},
  files: [{ path: '/seal/0-token', content: Buffer.from('token') }],
  holes: [{ host: 'localhost', port: 443, listen: '127.77.0.1' }],
};

async function main(): Promise<void> {
  const results: Record<string, string> = {};
  const step = async (name: string, work: () => Promise<unknown>) => {
    results[name] = await work().then(
      () => 'ok',
      (error: Error) => error.message,
    );
  };
  let fence: FenceModule.Fence | undefined;
  await step('make a fence', async () => {
    const targets = [{ host: '192.0.2.1', port: 443 }];
    fence = await Fence.open({ program: PROGRAM, directory: STATE, writable: [], targets, nodeId: 'one', seal });
  });
  await step('start a program in it', async () => fence?.start());
  await step('prove it again', async () => fence?.prove());
  let state = await fence?.look();
  while (state?.runs) {
    await sleep(100);
    state = await fence?.look();
  }
  results['says'] = state?.lastLine ?? '';
  await step('end it', async () => fence?.close());
  await writeFile(`${STATE}/results.json`, JSON.stringify(results));
}

void main();
