import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { parse, stringify } from 'yaml';
import { createSandboxActivities, type SandboxActivities } from '../../../activities/sandbox';
import { parseConfig } from '../../../src/config/load';
import { APPROVAL_NAMESPACE, approvalStatement } from '../../../src/contract/approval';
import type { SecretPlan } from '../../../src/contract/secret-run';
import { parseStepInput } from '../../../src/contract/step-input/parse';
import { SANDBOX_INPUTS } from '../../../src/contract/step-input/sandbox';
import { encryptArmored } from '../../../src/crypto/age';
import { agentPublicKey, signSecretsRead, verifyRecipients, verifySecretsRead } from '../../../src/crypto/agent-key';
import { ensureAgentKey } from '../../../src/host/run/agent-key-file';
import { secretPlanHash } from '../../../src/plan/hash';
import {
  backupEnvironment,
  drillEnvironment,
  restoreEnvironment,
  rollCallEnvironment,
  secretEnvironment,
} from '../../support/activity-environment';
import { makeSshKey } from '../../support/approval';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';
import { SECRET_PLAN } from '../../support/secret-plan';
import { thrownBy } from '../../support/thrown';

const inTest = useDirectory();
const CLAIM = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const SHARE = Buffer.alloc(33, 7).toString('base64');
const denied = expect.objectContaining({ code: 'PermissionDenied', retryable: false });

let steps: SandboxActivities;
const inDrill = <T>(work: () => Promise<T>) => drillEnvironment('run-1').run(work) as Promise<T>;

beforeEach(() => {
  const text = sampleConfig({ repositories: { local: inTest('repository') }, publicKeyFile: inTest('signing.pub') });
  const config = parseConfig(`${text}sandbox: { program: /usr/bin/vault, runtimeDir: ${inTest('runtime')} }\n`, 'x');
  steps = createSandboxActivities({
    config,
    sandbox: config.sandbox!,
    name: 'sandbox-1',
    stateDir: inTest('state'),
  });
});

describe('a sandbox host', () => {
  it.each(Object.keys(SANDBOX_INPUTS))('does %s for a run of the cluster alone, in its own name', async (step) => {
    const ask = (environment: MockActivityEnvironment, claim: object = CLAIM) =>
      environment.run(() => (steps[step as keyof SandboxActivities] as (input: object) => Promise<unknown>)({ claim }));

    for (const [environment, claim] of [
      ...[drillEnvironment, secretEnvironment].flatMap((environmentOf) => [
        [environmentOf('run-1', 'staging'), CLAIM] as const,
        [environmentOf('run-2'), CLAIM] as const,
        [environmentOf('run-1', 'prod', { workflowType: 'restoreCluster' }), CLAIM] as const,
        [environmentOf('run-1'), { ...CLAIM, run: '../..' }] as const,
      ]),
      // A schedule appends the time to the id of a drill; nobody appends anything to the other.
      [secretEnvironment('run-1', 'prod-2026'), CLAIM],
      ...(step === 'readFromBackup' ? ([[drillEnvironment('run-1'), CLAIM]] as const) : []),
      ...(step === 'rehearse' ? ([[secretEnvironment('run-1'), CLAIM]] as const) : []),
      [restoreEnvironment('run-1'), CLAIM],
      [restoreEnvironment('run-1', 'prod', { workflowType: 'drillRestore' }), CLAIM],
      [backupEnvironment('run-1'), CLAIM],
      [rollCallEnvironment('run-2'), CLAIM],
      [rollCallEnvironment('run-1', 'staging'), CLAIM],
      ...(step === 'rehearse' ? [[rollCallEnvironment('run-1'), CLAIM] as const] : []),
      ...(step === 'tryShares' ? [[drillEnvironment('run-1'), CLAIM] as const] : []),
    ] as const) {
      await expect(ask(environment, claim)).rejects.toEqual(denied);
    }
    expect(await readdir(inTest())).toEqual([]);
  });

  it('takes a run once, and signs for it with the key of the host', async () => {
    const [first, again] = [
      await inDrill(() => steps.prepareSandbox({ claim: CLAIM })),
      await inDrill(() => steps.prepareSandbox({ claim: CLAIM })),
    ];

    expect(again).toEqual(first);
    const { host, recipient, signature } = first;
    const key = agentPublicKey(await ensureAgentKey(inTest('state')));
    expect(() => verifyRecipients([{ node: host, recipient, signature }], CLAIM, () => key)).not.toThrow();
  });

  it('takes a share for its run alone, and none when the run has ended', async () => {
    const { recipient } = await inDrill(() => steps.prepareSandbox({ claim: CLAIM }));
    const check = async (text: string, to = recipient) => {
      const share = await encryptArmored(text, [to]);
      return inDrill(() => steps.checkSandboxShare({ claim: CLAIM, share }));
    };
    const other = { ...CLAIM, run: 'run-2' };
    const stranger = await drillEnvironment('run-2').run(() => steps.prepareSandbox({ claim: other }));

    expect(await check(SHARE)).toMatchObject({ accepted: true, fingerprint: expect.any(String) as string });
    expect(await check('no share')).toMatchObject({ accepted: false, fingerprint: null });
    expect(await check(SHARE, (stranger as { recipient: string }).recipient)).toMatchObject({ accepted: false });
    await inDrill(() => steps.endSandboxRun({ claim: CLAIM }));
    await expect(check(SHARE)).rejects.toMatchObject({ code: 'IdentityLost' });
    expect(await readdir(inTest('runtime'))).toEqual(['run-2.identity']);
  });

  it('fetches nothing before it has the shares', async () => {
    const backup = {
      claim: CLAIM,
      generation: '20261123T040000Z-000000000042-0a1b2c3d',
      manifestSha256: 'ab'.repeat(32),
      repositories: ['local'],
    };
    const { publicKey } = generateKeyPairSync('ed25519');
    await writeFile(inTest('signing.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    const share = '-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n';

    await expect(inDrill(() => steps.rehearse({ ...backup, shares: [share] }))).rejects.toMatchObject({
      code: 'IdentityLost',
    });
    await expect(
      inDrill(() => steps.rehearse({ ...backup, repositories: ['elsewhere'], shares: null })),
    ).rejects.toMatchObject({ message: expect.stringContaining('none of the cluster was named') as string });
  });
});

describe('what a sandbox host reads of a backup', () => {
  const MALLORYS = 'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg';
  const EXPIRES = '2998-01-01T00:00:00.000Z';
  const plan = SECRET_PLAN;
  let keys: Record<'bob' | 'carol' | 'mallory', string>;

  beforeEach(() => {
    keys = { bob: inTest('bob'), carol: inTest('carol'), mallory: inTest('mallory') };
    const [bob, carol] = [makeSshKey(keys.bob), makeSshKey(keys.carol)];
    makeSshKey(keys.mallory);
    steps = stepsWith({ bob, carol });
  });

  function stepsWith(approvers: Record<string, string>): SandboxActivities {
    const text = sampleConfig({ repositories: { local: inTest('repository') }, publicKeyFile: inTest('signing.pub') });
    const raw = parse(text) as { clusters: Record<string, Record<string, unknown>> };
    raw.clusters['prod']!['restore'] = {
      ...(raw.clusters['prod']!['restore'] as object),
      approvals: 2,
      ...(Object.keys(approvers).length === 0
        ? { trust: 'namespace', approvers: undefined }
        : { trust: undefined, approvers: Object.entries(approvers).map(([name, key]) => ({ name, key })) }),
    };
    const config = parseConfig(
      `${stringify(raw)}sandbox: { program: /usr/bin/vault, runtimeDir: ${inTest('runtime')} }\n`,
      'x',
    );
    return createSandboxActivities({ config, sandbox: config.sandbox!, name: 'sandbox-1', stateDir: inTest('state') });
  }

  /** As an approver signs it. */
  function signed(
    approver: string,
    { key = approver, of = plan, ...about }: { key?: string; of?: SecretPlan; run?: string; expires?: string } = {},
  ) {
    const subject = { cluster: 'prod', run: 'run-1', requestedBy: 'ana', expires: EXPIRES, ...about };
    const statement = approvalStatement({ ...subject, planHash: secretPlanHash(of) }, approver);
    const args = ['-q', '-Y', 'sign', '-n', APPROVAL_NAMESPACE, '-f', keys[key as keyof typeof keys]];
    const signature = execFileSync('ssh-keygen', args, { input: statement, encoding: 'utf8', stdio: 'pipe' });
    return { approver, signature };
  }

  const asked = (approvals: object[], overrides: object = {}) => ({
    claim: CLAIM,
    plan,
    requestedBy: 'ana',
    expires: EXPIRES,
    approvals,
    repositories: ['local'],
    shares: ['-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n'],
    ...overrides,
  });
  const read = (input: object, environment = secretEnvironment('run-1')) =>
    environment.run(() => steps.readFromBackup(parseStepInput('readFromBackup', SANDBOX_INPUTS, [input])[0] as never));

  it('is what enough approvers have signed', async () => {
    // Then it wants the shares, whose identity this host never had.
    await expect(read(asked([signed('bob'), signed('carol')]))).rejects.toMatchObject({ code: 'IdentityLost' });
  });

  it.each<[string, () => object]>([
    ['nobody has signed', () => asked([])],
    ['too few have signed', () => asked([signed('bob')])],
    ['one has signed twice', () => asked([signed('bob'), signed('bob')])],
    ['is signed by another key', () => asked([signed('bob'), signed('carol', { key: 'mallory' })])],
    ['is signed by somebody whom nobody has named', () => asked([signed('bob'), signed('mallory')])],
    ['is signed for another run', () => asked([signed('bob'), signed('carol', { run: 'run-0' })])],
    ['is signed by whoever asked', () => asked([signed('bob'), signed('carol')], { requestedBy: 'bob' })],
    [
      'goes to another recipient',
      () => asked([signed('bob'), signed('carol')], { plan: { ...plan, recipients: [MALLORYS] } }),
    ],
    [
      'goes to one more recipient',
      () => asked([signed('bob'), signed('carol')], { plan: { ...plan, recipients: [...plan.recipients, MALLORYS] } }),
    ],
    ['is at another path', () => asked([signed('bob'), signed('carol')], { plan: { ...plan, paths: ['secret/'] } })],
    ['is all versions', () => asked([signed('bob'), signed('carol')], { plan: { ...plan, versions: 'all' } })],
    ['was deleted', () => asked([signed('bob'), signed('carol')], { plan: { ...plan, deleted: true } })],
    [
      'is of another backup',
      () => asked([signed('bob'), signed('carol')], { plan: { ...plan, manifestSha256: 'cd'.repeat(32) } }),
    ],
    [
      'needs fewer approvals',
      () => asked([signed('bob', { of: { ...plan, approvals: 0 } })], { plan: { ...plan, approvals: 0 } }),
    ],
    [
      'is of another cluster',
      () => {
        const of = { ...plan, cluster: 'staging' };
        return asked([signed('bob', { of }), signed('carol', { of })], { plan: of });
      },
    ],
    ['is valid for longer', () => asked([signed('bob'), signed('carol')], { expires: '2999-01-01T00:00:00.000Z' })],
    [
      'was signed long ago',
      () => {
        const expires = '2026-01-01T00:00:00.000Z';
        return asked([signed('bob', { expires }), signed('carol', { expires })], { expires });
      },
    ],
  ])('is nothing that %s', async (_what, input) => {
    await expect(read(input())).rejects.toMatchObject({ code: 'NotApproved', retryable: false });
  });

  it('is nothing where access to the namespace decides about the rest', async () => {
    steps = stepsWith({});

    await expect(read(asked([]))).rejects.toMatchObject({ code: 'NotApproved' });
  });
});

describe('what a sandbox host signs', () => {
  const about = { cluster: 'prod', run: 'run-1', host: 'sandbox-1', planHash: 'ab'.repeat(32) };
  const result = { repository: 'local', clusterId: 'c', serverVersion: null, paths: [], sealed: 'ciphertext' };

  it('is taken for nothing else', async () => {
    await drillEnvironment('run-1').run(() => steps.prepareSandbox({ claim: CLAIM }));
    const key = await ensureAgentKey(inTest('state'));
    const publicKey = agentPublicKey(key);
    const whole = { ...result, signature: signSecretsRead(key, about, result) };

    expect(() => verifySecretsRead(publicKey, about, whole)).not.toThrow();
    for (const [other, changed] of [
      [about, { ...whole, sealed: 'of mallory' }],
      [about, { ...whole, clusterId: 'd' }],
      [{ ...about, run: 'run-2' }, whole],
      [{ ...about, planHash: 'cd'.repeat(32) }, whole],
    ] as const) {
      expect(thrownBy(() => verifySecretsRead(publicKey, other, changed))).toMatchObject({
        code: 'RecipientNotAuthentic',
      });
    }
    expect(thrownBy(() => verifySecretsRead(undefined, about, whole)).message).toContain('has no publicKey');
  });
});
