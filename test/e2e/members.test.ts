import type { RecoveryReport } from '../../src/contract/recovery';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { durationMs } from '../../src/vault/config/go-duration';
import { useLab } from '../support/lab';
import { reconfigure, valuesOf, votersOf } from '../support/lab-view';
import { restoreDriver } from '../support/restore-driver';

interface Member {
  healthy: boolean;
  /** As Go writes it: `11m13.5s`. */
  last_contact: string;
}

/** A voter that died, and that the configuration does not name any more: it keeps counting until somebody takes it out. */
describe('a cluster with a dead voter that nobody names', () => {
  const lab = useLab({ nodes: 4 });
  const driver = () => restoreDriver(lab());
  const names = ['vault-1', 'vault-2', 'vault-3'];
  let kept: SampleSecret[];

  beforeAll(async () => {
    kept = await lab().writeSecrets(3);
    await driver().json(['backup', '--cluster', 'lab']);
    const isNamed = ({ name }: { name: string }) => name !== 'vault-4';
    await reconfigure(
      lab(),
      (config) => {
        const cluster = config.clusters['lab']!;
        cluster.nodes = cluster.nodes.filter(isNamed);
      },
      { without: ['vault-4'] },
    );
    await lab().killVault('vault-4');
    await untilSilent();
  }, 120_000);

  it('is restored in place: the plan names it, and nothing waits for it', async () => {
    await driver().start('--in-place');
    await driver().approve();
    const report = await driver().result();

    expect(report).toMatchObject({ status: 'completed', errors: [], plan: { bystanders: ['vault-4'] } });
    expect(report.warnings.join()).toContain('vault operator raft remove-peer vault-4');
    expect(await valuesOf(lab(), kept)).toEqual(kept.map(({ value }) => value));
    expect(await votersOf(lab(), 'vault-1')).toContain('vault-4');
  }, 180_000);

  it('takes it out before a node is rebuilt, once people have approved that', async () => {
    await untilSilent();
    const refused = await lab().cli(['rebuild-node', '--cluster', 'lab', '--node', 'vault-3']);
    const args = ['rebuild-node', '--cluster', 'lab', '--node', 'vault-3', '--remove-peer', 'vault-4'];
    await lab().cli([...args, '--as', 'ana', '--detach']);
    const { plan } = await driver().waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
    const before = await votersOf(lab(), 'vault-1');
    await driver().approve();
    await driver().unsealAll(lab().unsealShares);
    const report: RecoveryReport = await driver().result();

    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain(
      'without this node only 2 of 4 voters would serve (vault-1, vault-2), 3 are needed',
    );
    expect(plan?.steps[0]?.steps).toEqual(['remove the dead peer vault-4 from the cluster']);
    expect(before).toContain('vault-4');
    expect(report).toMatchObject({ status: 'completed', errors: [] });
    for (const name of names) expect(await votersOf(lab(), name)).toEqual(names);
  }, 180_000);

  /** A leader takes a member for healthy until it has not heard of it for 10 s, at first from when it became the leader. */
  function untilSilent(): Promise<unknown> {
    const isSilent = async () => (await silentSeconds('vault-4')) > 12;
    return waitFor('the leader has not heard of it', isSilent, { timeoutMs: 60_000, everyMs: 500 });
  }

  async function silentSeconds(id: string): Promise<number> {
    for (const name of names) {
      const { status, body } = await lab().vault(name, 'GET', 'sys/storage/raft/autopilot/state');
      const { servers = {} } = (body as { data?: { servers?: Record<string, Member> } }).data ?? {};
      const member = servers[id];
      if (status === 200 && member) return member.healthy ? 0 : (durationMs(member.last_contact) ?? 0) / 1_000;
    }
    return 0;
  }
});
