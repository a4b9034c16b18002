import { setTimeout as sleep } from 'node:timers/promises';
import type { RecoveryPhase } from '../../src/contract/recovery';
import type { SampleSecret } from '../../src/lab/secrets';
import { type ControlHost, VAULT_HOSTS, type VaultHost } from './network';
import { type Acts, attend, type Attendance, type Attended } from './people';
import { CLUSTER } from './product-config';
import type { Site } from './site';

export interface Outcome {
  acts: Acts;
  /** What is worth a word in the table. */
  note?: string;
}

/** One thing that befalls a site, and what must come of it. */
export interface Scenario {
  /** Unique; parts are separated by slashes, so that `--only` can choose by them. */
  name: string;
  /** @throws Error that says what did not come as it must */
  run(site: Site): Promise<Outcome>;
}

export const NO_ACTS: Acts = { approvals: 0, shares: 0, others: [] };
const SECRETS = 8;

/** A backup with secrets in it that are known. */
export async function backUp(site: Site): Promise<{ id: string; secrets: SampleSecret[] }> {
  const secrets = await site.writeSecrets(SECRETS);
  const said = await site.cli(['backup', '--cluster', CLUSTER, '--json']);
  return { id: (JSON.parse(said) as { generation: string }).generation, secrets };
}

/** What was in Vault's data directories is gone, on these hosts, for good. */
export async function loseData(site: Site, hosts: readonly VaultHost[] = VAULT_HOSTS): Promise<void> {
  await Promise.all(
    hosts.map(async (host) => {
      await site.machines[host].must(['systemctl', 'stop', 'vault']);
      await site.machines[host].must(['find', '/opt/vault/data', '-mindepth', '1', '-delete']);
    }),
  );
}

export interface Disturbance {
  phase: RecoveryPhase;
  /** Seconds after the phase was seen. */
  after: number;
  /** What happens then, and what ends it. */
  happen(site: Site): Promise<void>;
}

export interface Around {
  disturbance?: Disturbance;
  beforeShares?: Attendance['beforeShares'];
  /** The host on which somebody asks for it. */
  from?: ControlHost;
  /** Names the backup: the latest one is what clocks make it. */
  byId?: boolean;
  /** Before anybody attends to the run that was asked for. */
  onceAsked?: () => Promise<void>;
}

/** All data is lost and restored, and something else happens meanwhile. */
export async function restoreAll(site: Site, around: Around = {}): Promise<Attended> {
  const { disturbance, beforeShares, from = 'control-1', byId = false, onceAsked } = around;
  const { id, secrets } = await backUp(site);
  await loseData(site);
  const named = byId ? ['--backup', id] : [];
  await site.cli(['restore', '--cluster', CLUSTER, '--as', 'ana', '--detach', ...named], from);
  await onceAsked?.();
  let happened = disturbance === undefined;
  const attended = await attend(site, {
    ...(beforeShares && { beforeShares }),
    async onPhase(phase) {
      if (disturbance === undefined || phase !== disturbance.phase) return;
      happened = true;
      await sleep(disturbance.after * 1_000);
      await disturbance.happen(site);
    },
  });
  if (!happened) throw new Error(`The phase ${disturbance?.phase} was too short to be seen.`);
  expectEqual('how the run ended', attended.status, 'completed');
  await expectSecrets(site, secrets);
  return attended;
}

export async function expectSecrets(site: Site, secrets: SampleSecret[]): Promise<void> {
  for (const { path, value } of secrets) expectEqual(`secret ${path}`, await site.readSecret(path), value);
}

export function expectEqual(what: string, found: unknown, wanted: unknown): void {
  if (found === wanted) return;
  throw new Error(`${what}: expected ${JSON.stringify(wanted)}, found ${JSON.stringify(found)}`);
}

/** Where the time went, for the table. */
export function noteOf({ phases, seconds }: Attended): string {
  const longest = Object.entries(phases)
    .filter(([, length]) => length >= 1)
    .map(([phase, length]) => `${phase} ${length.toFixed(0)}`);
  return `run ${seconds.toFixed(0)} s: ${longest.join(', ')}`;
}

export function outcomeOf(attended: Attended): Outcome {
  return { acts: attended.acts, note: noteOf(attended) };
}
