import { chmod, mkdir } from 'node:fs/promises';
import { unreadableDirectories } from '../../../../activities/node/unreadable';
import { agentHost } from '../../../support/agent-host';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const config = () => agentHost(inTest).deps.config;

it('names a directory of backups that this host does not have, and none that it has', async () => {
  await mkdir(inTest('etc'));
  const without = await unreadableDirectories(config());
  await mkdir(inTest('repository', 'prod'), { recursive: true });
  await chmod(inTest('repository'), 0o700);

  expect(without).toEqual([{ cluster: 'prod', repository: 'local', problem: expect.stringContaining('ENOENT') }]);
  expect(await unreadableDirectories(config())).toEqual([]);
});

/** Made up, because a share whose server is gone can't be mounted everywhere. */
it('asks a share that hangs once, and does not wait for it', async () => {
  await mkdir(inTest('etc'));
  let asked = 0;
  let answer = (_directory: { close(): Promise<void> }): void => undefined;
  const hangs = () => {
    asked++;
    return new Promise<{ close(): Promise<void> }>((resolve) => {
      answer = resolve;
    });
  };

  const [first, second] = [await unreadableDirectories(config(), hangs), await unreadableDirectories(config(), hangs)];
  answer({ close: () => Promise.resolve() });

  expect([first, second]).toEqual(
    [1, 2].map(() => [
      { cluster: 'prod', repository: 'local', problem: `${inTest('repository', 'prod')} does not answer` },
    ]),
  );
  expect(asked).toBe(1);
}, 30_000);
