import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { createControllerActivities } from '../../../../activities/controller';
import { parseConfig } from '../../../../src/config/load';
import { DrError } from '../../../../src/contract/failures';
import { backupEnvironment } from '../../../support/activity-environment';
import { type SigningPair, signingPair, stageSample } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

/** What one controller does with the backup that another one has staged, each with a directory of its own. */
describe('publishing what was staged', () => {
  const inTest = useDirectory();
  const RUN = 'run-1';
  let keys: SigningPair;
  let staged: Awaited<ReturnType<typeof stageSample>> & { generation: string };

  beforeEach(async () => {
    keys = signingPair();
    await mkdir(inTest('local'), { mode: 0o700 });
    await writeFile(inTest('signing.pub'), keys.publicKeyPem);
    const sample = await stageSample(inTest('made'), keys, Buffer.from('a snapshot'));
    const directory = inTest('first', 'staging', 'prod', RUN, '0a1b2c3d');
    await mkdir(inTest('first', 'staging', 'prod', RUN), { recursive: true, mode: 0o700 });
    await rename(sample.directory, directory);
    staged = { ...sample, directory, generation: sample.manifest.generation };
  });

  const publishedBy = (controller: string, confirmAttempt?: () => Promise<unknown>) => {
    const text = sampleConfig({ repositories: { local: inTest('local') }, publicKeyFile: inTest('signing.pub') });
    const config = parseConfig(`${text}stateDir: ${inTest(controller)}\n`, 'vault-dr.yaml');
    const steps = createControllerActivities({ config, ...(confirmAttempt ? { confirmAttempt } : {}) });
    return backupEnvironment(RUN).run(() =>
      steps.publishGeneration({ staged, repository: 'local' }),
    ) as Promise<unknown>;
  };
  const copy = () => ({
    repository: 'local',
    check: 'hashed',
    stored: { sha256: staged.manifest.stored.sha256, sizeBytes: staged.manifest.stored.sizeBytes },
  });

  it('is for the controller that has it', async () => {
    await expect(publishedBy('second')).rejects.toMatchObject({ code: 'StagingLost' });
    expect(await readdir(inTest('local'))).toEqual([]);

    await expect(publishedBy('first')).resolves.toEqual(copy());
  });

  it('is over for any other one where the first has written all of it and died', async () => {
    await publishedBy('first');

    await expect(publishedBy('second')).resolves.toEqual(copy());
  });

  it('is over, too, for a controller whose own directory has the same path and not the files', async () => {
    await publishedBy('first');
    await rm(staged.directory, { recursive: true });

    await expect(publishedBy('first')).resolves.toEqual(copy());
  });

  it.each(['manifest.json', 'snapshot.snap.age'])('is not over where %s is missing', async (file) => {
    await publishedBy('first');
    await rm(inTest('local', 'prod', staged.generation, file));

    await expect(publishedBy('second')).rejects.toMatchObject({ code: 'StagingLost' });
  });

  it('is not over where the backup of that id is another one', async () => {
    await publishedBy('first');
    staged = { ...staged, manifestSha256: 'f'.repeat(64) };

    await expect(publishedBy('second')).rejects.toMatchObject({ code: 'StagingLost' });
  });

  it('ends before the manifest for a controller that was frozen and given up meanwhile', async () => {
    const fenced = () => Promise.reject(new DrError('NodeFenced', 'given up'));

    await expect(publishedBy('first', fenced)).rejects.toMatchObject({ code: 'NodeFenced' });

    expect(await readdir(inTest('local', 'prod', staged.generation))).not.toContain('manifest.json');
  });
});
