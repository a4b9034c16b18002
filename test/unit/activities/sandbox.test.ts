import { generateKeyPairSync } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { createSandboxActivities, type SandboxActivities } from '../../../activities/sandbox';
import { parseConfig } from '../../../src/config/load';
import { SANDBOX_INPUTS } from '../../../src/contract/step-input/sandbox';
import { encryptArmored } from '../../../src/crypto/age';
import { agentPublicKey, verifyRecipients } from '../../../src/crypto/agent-key';
import { ensureAgentKey } from '../../../src/host/run/agent-key-file';
import {
  backupEnvironment,
  drillEnvironment,
  restoreEnvironment,
  rollCallEnvironment,
} from '../../support/activity-environment';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

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
      [drillEnvironment('run-1', 'staging'), CLAIM],
      [drillEnvironment('run-2'), CLAIM],
      [drillEnvironment('run-1', 'prod', { workflowType: 'restoreCluster' }), CLAIM],
      [drillEnvironment('run-1'), { ...CLAIM, run: '../..' }],
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
