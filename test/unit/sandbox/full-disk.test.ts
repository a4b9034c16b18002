import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import type { ClusterConfig, SandboxConfig } from '../../../src/config/schema';
import { DirectoryRepository } from '../../../src/repository/directory';
import { publishGeneration } from '../../../src/repository/generations';
import { drill } from '../../../src/sandbox/drill';
import { describeIf } from '../../support/describe-if';
import { signingPair, stageSample } from '../../support/generation';
import { must, run } from '../../support/shell';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

describeIf(process.getuid?.() === 0, 'only root may mount anything')('a drill with a disk that is too small', () => {
  afterEach(() => run(['umount', '--lazy', inTest('state')]));

  it('says so, and how much it needs, and leaves nothing there', async () => {
    for (const name of ['state', 'staging', 'local']) await mkdir(inTest(name));
    await must(['mount', '-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', inTest('state')]);
    const repository = new DirectoryRepository('local', inTest('local'));
    const { directory } = await stageSample(inTest('staging'), signingPair(), randomBytes(1024 ** 2));
    const copy = await publishGeneration(repository, directory);

    const drilled = drill({
      // None of both is asked for anything before the copy is there.
      cluster: {} as ClusterConfig,
      sandbox: {} as SandboxConfig,
      stateDir: inTest('state'),
      repository,
      copy,
      signal: new AbortController().signal,
      onPhase: () => undefined,
    });

    await expect(drilled).rejects.toMatchObject({
      code: 'DiskFull',
      advice: 'It needs 1.0 MiB: free space there.',
      soFar: { phase: 'fetch' },
    });
    expect(await readdir(inTest('state', 'drills'))).toEqual([]);
  });
});
