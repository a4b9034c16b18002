import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import type { NodeHost } from '../../../../activities/node/context';
import { setAsideData } from '../../../../activities/node/data';
import { DrError } from '../../../../src/contract/failures';
import { claimNode } from '../../../../src/host/run/claim';
import { agentHost } from '../../../support/agent-host';
import { quietEnvironment } from '../../../support/real-agent';
import { useDirectory } from '../../../support/temporary';

const CLAIM = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const MOVED_AWAY = Object.assign(new Error('no such file'), { code: 'ENOENT' });

const inTest = useDirectory();
let host: NodeHost;

beforeEach(async () => {
  host = agentHost(inTest);
  for (const name of ['data', 'state', 'runtime']) await mkdir(inTest(name));
  await claimNode(inTest('state'), 'vault-1', CLAIM);
});

/** A step that fails in its middle, after `meanwhile`. */
const failing = (error: Error, meanwhile: () => Promise<unknown>) =>
  quietEnvironment().run(() =>
    host.step(CLAIM, { kind: 'stop' }, async () => {
      await meanwhile();
      throw error;
    }),
  );

const another = () => quietEnvironment().run(() => host.step(CLAIM, { kind: 'stop' }, async () => undefined));

describe('a step on a node', () => {
  it.each([
    ['finds everything moved', MOVED_AWAY],
    ['sees a service that does not stand still', new DrError('ServiceFailed', 'Vault still runs.')],
  ])('that %s because a newer attempt has begun says that it was overtaken', async (_what, error) => {
    await expect(failing(error, another)).rejects.toMatchObject({ code: 'NodeFenced', where: 'vault-1' });
  });

  it('that is the newest says what it failed with', async () => {
    await another();

    await expect(failing(MOVED_AWAY, async () => undefined)).rejects.toBe(MOVED_AWAY);
  });
});

describe('what a step is asked to destroy', () => {
  const setAside = (how: 'rename' | 'delete') =>
    quietEnvironment().run(() => setAsideData(host, { claim: CLAIM, how, otherCluster: true }));

  it('goes for good only where the configuration of this host says so', async () => {
    await writeFile(inTest('data', 'vault.db'), 'data');

    await expect(setAside('delete')).rejects.toMatchObject({ code: 'InvalidConfiguration', retryable: false });
    expect(await readFile(inTest('data', 'vault.db'), 'utf8')).toBe('data');

    host.deps.cluster.restore.setAside = 'delete';
    await expect(setAside('delete')).resolves.toBeNull();
    expect(await readdir(inTest('data'))).not.toContain('vault.db');
  });
});
