import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { chooseForRecover } from '../../../../activities/controller/choose-for-recover';
import { Controller } from '../../../../activities/controller/context';
import { sealFor } from '../../../../activities/sandbox/read-from-backup';
import { parseConfig } from '../../../../src/config/load';
import type { Manifest } from '../../../../src/contract/generation';
import { RECOVERED_FORMAT, type Recovered } from '../../../../src/contract/recovered';
import type { SecretChoice } from '../../../../src/contract/secret-run';
import { decryptArmored, generateIdentity } from '../../../../src/crypto/age';
import { secretPlanHash } from '../../../../src/plan/hash';
import { publishGeneration } from '../../../../src/repository/generations';
import { secretEnvironment } from '../../../support/activity-environment';
import { signingPair, stageSample } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { SECRET_PLAN } from '../../../support/secret-plan';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const KEYS = signingPair();
const APPROVERS = [{ name: 'bob', key: 'ssh-ed25519 AAAA' }];
const { paths, versions, deleted, recipients } = SECRET_PLAN;

let controller: Controller;
beforeEach(async () => {
  for (const name of ['local', 'offsite']) await mkdir(inTest(name));
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  const text = sampleConfig({
    repositories: { local: inTest('local'), offsite: inTest('offsite') },
    publicKeyFile: inTest('signing.pub'),
  });
  controller = new Controller({ config: parseConfig(text, 'vault-dr.yaml') });
  Object.assign(controller.cluster('prod').restore, { approvers: APPROVERS, approvals: 2 });
});

async function publish(overrides: Partial<Manifest> = {}, ...repositories: string[]) {
  const staged = await stageSample(inTest('staging'), KEYS, Buffer.from('snapshot'), {
    capturedAt: '2026-11-23T04:00:00.000Z',
    ...overrides,
  });
  for (const name of repositories) await publishGeneration(await controller.repository(name), staged.directory);
  return { generation: staged.manifest.generation, manifestSha256: staged.manifestSha256 };
}

const chosen = (more: object = {}): Promise<SecretChoice> =>
  secretEnvironment('run-1').run(() =>
    chooseForRecover(controller, {
      cluster: 'prod',
      generation: 'latest',
      paths,
      versions,
      deleted,
      recipients,
      ...more,
    }),
  ) as Promise<SecretChoice>;

it('is what approvers are asked for: one backup, what of it, for whom, by as many as a restore needs', async () => {
  const published = await publish({}, 'local', 'offsite');
  const { plan, planHash, repositories, sharesNeeded } = await chosen();

  expect(plan).toEqual({ ...SECRET_PLAN, ...published, approvals: 2 });
  expect(planHash).toBe(secretPlanHash(plan));
  expect({ repositories, sharesNeeded }).toEqual({ repositories: ['local', 'offsite'], sharesNeeded: 3 });
  expect(await chosen({ from: 'offsite' })).toMatchObject({ repositories: ['offsite'] });
});

it('asks for as many recovery keys as make a root token, where the cluster unseals itself', async () => {
  const seal = { type: 'transit', secretShares: 1, secretThreshold: 1 };
  await publish(
    { seal, recovery: { type: 'shamir', secretShares: 5, secretThreshold: 2 } } as Partial<Manifest>,
    'local',
  );

  expect(await chosen()).toMatchObject({ sharesNeeded: 2 });
});

it.each<[string, () => object, string, string]>([
  [
    'there is no such backup',
    () => ({ generation: '20251123T040000Z-000000000042-0a1b2c3d' }),
    'UnknownGeneration',
    '',
  ],
  ['nothing can be encrypted for them', () => ({ recipients: ['age1nobody'] }), 'InvalidInput', 'age1nobody'],
  ['the repository is none of the cluster', () => ({ from: 'elsewhere' }), 'InvalidConfiguration', 'elsewhere'],
])('is refused where %s', async (_why, more, code, text) => {
  await publish({}, 'local');

  await expect(chosen(more())).rejects.toMatchObject({ code, message: expect.stringContaining(text) as string });
});

it('is refused where nobody may approve it, whoever may write to the namespace', async () => {
  await publish({}, 'local');
  delete controller.cluster('prod').restore.approvers;

  await expect(chosen()).rejects.toMatchObject({
    code: 'PlanRefused',
    message: expect.stringContaining('[recover-needs-approvers]') as string,
  });
});

it('is handed over as ciphertext up to a size that a history takes, and not beyond', async () => {
  const { identity, recipient } = await generateIdentity();
  const item = (bytes: number): Recovered => ({
    format: RECOVERED_FORMAT,
    cluster: 'prod',
    generation: SECRET_PLAN.generation,
    capturedAt: '2026-11-23T04:00:00.000Z',
    items: [{ kind: 'policy', path: 'sys/policies/acl/a', name: 'a', policy: randomBytes(bytes).toString('hex') }],
  });
  const small = item(180_000);

  expect(JSON.parse(await decryptArmored(await sealFor(small, [recipient]), [identity]))).toEqual(small);
  await expect(sealFor(item(200_000), [recipient])).rejects.toMatchObject({
    code: 'InvalidInput',
    message: expect.stringContaining('[recovered-too-large]') as string,
  });
});
