import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupResult } from '../../src/contract/backup';
import { useLab } from '../support/lab';
import { sealStatus, untilReadable } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

describe('a backup of the only node of a cluster, in its maintenance window', () => {
  const lab = useLab({ shape: 'raft-copied', nodes: 1, seal: 'transit' });

  it('stops it, and brings it back', async () => {
    const [secret] = await lab().writeSecrets(3);

    const result = await restoreDriver(lab()).json<BackupResult>(['backup', '--cluster', 'lab']);

    expect(result.content).toMatchObject({ method: 'filesystem', storage: 'raft', node: 'vault-1' });
    const manifest = await readFile(join(lab().localRepository, 'lab', result.generation, 'manifest.json'), 'utf8');
    expect(JSON.parse(manifest)).toMatchObject({ raft: { peers: [{ id: 'vault-1' }] } });
    expect(await sealStatus(lab(), 'vault-1')).toMatchObject({ sealed: false });
    await untilReadable(lab(), secret!, 'vault-1');
  }, 120_000);
});
