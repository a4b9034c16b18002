import type { NodeHost } from '../../../../activities/node/context';
import { watchForSeal, watchForUnseal } from '../../../../activities/node/unseal';
import type { VaultClient } from '../../../../src/vault/client';
import { restoreEnvironment } from '../../../support/activity-environment';

const RUN = '01a20752-189b-7247-a8d0-708bed2469e6';
const INPUT = { claim: { run: RUN, cluster: 'prod', startedAt: '2026-01-01T00:00:00Z' }, seconds: 2 };

const status = (initialized: boolean, sealed: boolean) => () => Promise.resolve({ initialized, sealed });
const leads = { leader: () => Promise.resolve({ isSelf: true, leaderAddress: 'https://vault-1:8200' }) };

/** A step that is silent for seconds is taken for dead, and begun once more. */
it.each([
  ['a Vault that stays sealed', watchForUnseal, { sealStatus: status(true, true) }],
  ['a Vault that stays open', watchForSeal, { sealStatus: status(true, false), ...leads }],
  ['a blank Vault', watchForSeal, { sealStatus: status(false, true) }],
  ['a Vault that does not answer', watchForUnseal, { sealStatus: () => Promise.reject(new Error('refused')) }],
])('sends heartbeats for as long as it watches %s', async (_what, watch, vault) => {
  const host = {
    node: { name: 'vault-1', address: 'https://vault-1:8200' },
    withVault: <T>(work: (client: VaultClient) => Promise<T>) => work(vault as unknown as VaultClient),
  } as unknown as NodeHost;
  const environment = restoreEnvironment(RUN);
  const beats: unknown[] = [];
  environment.on('heartbeat', (details: unknown) => beats.push(details));

  await expect(environment.run(() => watch(host, INPUT))).resolves.toBe(false);

  // One at its start, and one after each look.
  expect(beats).toEqual(['watching', 'watching', 'watching']);
});
