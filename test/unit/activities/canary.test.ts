import { mkdir, rm, writeFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createControllerActivities } from '../../../activities/controller';
import { createNodeActivities } from '../../../activities/node';
import { parseConfig } from '../../../src/config/load';
import type { OpenedCanary, SealedCanary } from '../../../src/contract/readiness';
import { encryptTo, generateIdentity } from '../../../src/crypto/age';
import {
  backupEnvironment,
  drillEnvironment,
  readinessEnvironment,
  restoreEnvironment,
} from '../../support/activity-environment';
import { agentHost } from '../../support/agent-host';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const denied = expect.objectContaining({ code: 'PermissionDenied', retryable: false });
const inEvaluation = readinessEnvironment('run-1');

let recipient: string;

beforeEach(async () => {
  for (const name of ['data', 'state', 'runtime', 'etc']) await mkdir(inTest(name));
  const made = await generateIdentity();
  recipient = made.recipient;
  await writeFile(inTest('identity'), made.identity);
});

const agent = () =>
  createNodeActivities(agentHost(inTest, { restore: { identities: [{ file: inTest('identity') }] } }).deps);
const open = (canary: SealedCanary) => inEvaluation.run(() => agent().openCanary({ canary })) as Promise<OpenedCanary>;

function controller(encryption = `{ age: [${recipient}] }`) {
  const text = sampleConfig({ repositories: { local: inTest('repository') }, publicKeyFile: inTest('signing.pub') });
  return createControllerActivities({
    config: parseConfig(text.replace('backup: {', `backup: { encryption: ${encryption},`), 'x'),
  });
}
const make = async (): Promise<SealedCanary> => {
  const made = await inEvaluation.run(() => controller().makeCanary({ cluster: 'prod' }));
  return made as SealedCanary;
};

/** Something else for the same recipient, as anybody could send it. */
async function sealedText(text: string): Promise<SealedCanary> {
  const chunks: Buffer[] = [];
  for await (const chunk of await encryptTo(Readable.from([Buffer.from(text)]), [recipient])) {
    chunks.push(chunk as Buffer);
  }
  return {
    encryption: { method: 'age', recipients: [recipient] },
    sealed: Buffer.concat(chunks).toString('base64'),
    sha256: '0'.repeat(64),
  };
}

it('is opened by the identity that a restore would use, and is another each time', async () => {
  const canary = await make();

  await expect(open(canary)).resolves.toEqual({ sha256: canary.sha256, problem: null, advice: null });
  expect((await make()).sha256).not.toBe(canary.sha256);
});

it('is not opened where the identity is gone, or another', async () => {
  const canary = await make();
  await writeFile(inTest('identity'), (await generateIdentity()).identity);
  await expect(open(canary)).resolves.toMatchObject({ sha256: null, problem: expect.any(String) as string });

  await rm(inTest('identity'));
  await expect(open(canary)).resolves.toMatchObject({
    sha256: null,
    problem: expect.stringContaining('ENOENT') as string,
    advice: expect.any(String) as string,
  });
});

it.each(['short secret', 'vault-dr canary of an evaluation\nshort secret\n', 'x'.repeat(100_000)])(
  'gives nothing away of what is none',
  async (text) => {
    const opened = await open(await sealedText(text));

    expect(opened).toMatchObject({ sha256: null, problem: expect.stringContaining('no canary') as string });
    expect(JSON.stringify(opened)).not.toContain('secret');
  },
);

it('is not made where backups are not encrypted', async () => {
  await expect(inEvaluation.run(() => controller('none').makeCanary({ cluster: 'prod' }))).resolves.toBeNull();
});

it.each([
  ['a restore', restoreEnvironment('run-1')],
  ['a backup', backupEnvironment('run-1')],
  ['a drill', drillEnvironment('run-1')],
  ['an evaluation of another cluster', readinessEnvironment('run-1', 'staging')],
  ['a run under its name', readinessEnvironment('run-1', 'prod', { workflowType: 'myOwn' })],
  [
    'one under a longer id',
    readinessEnvironment('run-1', 'prod', { workflowExecution: { workflowId: 'readiness-prod-2', runId: 'run-1' } }),
  ],
])('is neither made nor opened for %s', async (_what, environment) => {
  const canary = await make();

  await expect(environment.run(() => controller().makeCanary({ cluster: 'prod' }))).rejects.toEqual(denied);
  await expect(environment.run(() => agent().openCanary({ canary }))).rejects.toEqual(denied);
});
