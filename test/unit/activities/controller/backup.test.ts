import { checkHealth } from '../../../../activities/controller/backup';
import { followerWarnings } from '../../../../activities/controller/capture/raft';
import { backupPlanOf } from '../../../../activities/controller/confirm';
import type { BackupPlan } from '../../../../src/contract/backup';
import type { Product } from '../../../../src/contract/product';
import { denied, ok, type SmallAnswer, useSmallVault } from '../../../support/small-vault';

/** What autopilot says on real clusters, healthy and not, is tested there. */
describe('the health of a cluster', () => {
  const vault = useSmallVault();
  const health = (change: Partial<BackupPlan> = {}) =>
    vault.run(
      (controller) => checkHealth(controller, { plan: { ...backupPlanOf(controller, 'prod'), ...change } }),
      {},
    );
  const UNENCRYPTED = 'the backup is NOT encrypted: see backup.encryption';

  const autopilots: [string, () => SmallAnswer, string[]][] = [
    ['is content', () => ok(stateOf(true)), []],
    ['is not', () => ok(stateOf(false)), ['autopilot reports the cluster as unhealthy: vault-2']],
    [
      'is turned off',
      () => ({ status: 404, body: { errors: [] } }),
      ['autopilot could not be asked: vault-1 has none; it is turned off, or has not started yet'],
    ],
    [
      'is not for this login to ask',
      () => denied('permission denied'),
      [expect.stringMatching(/^autopilot could not be asked: vault-1 answered .* 403: permission denied/) as string],
    ],
    [
      'does not answer',
      () => 'cut',
      [expect.stringMatching(/^autopilot could not be asked: vault-1 closed the connection/) as string],
    ],
  ];

  it.each(autopilots)('is reported where autopilot %s', async (_how, answer, warnings) => {
    vault.answers()['sys/storage/raft/autopilot/state'] = answer;

    expect(await health()).toMatchObject({ leader: 'vault-1', warnings: [...warnings, UNENCRYPTED] });
  });

  it('is not reported once the step is cancelled', async () => {
    vault.answers()['sys/storage/raft/autopilot/state'] = () => {
      vault.cancel();
      return 'cut';
    };

    await expect(health()).rejects.toMatchObject({ name: 'CancelledFailure' });
  });

  it('is not asked for with other settings than the configured ones', async () => {
    await expect(
      health({ encryption: { method: 'age', recipients: ['age1eve'], gpgHome: null } }),
    ).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      retryable: false,
      message: "The configuration was changed while this backup of 'prod' ran: encryption [configuration-changed].",
      advice: 'Start the backup again.',
    });
  });
});

describe('a snapshot', () => {
  const vault = useSmallVault();
  const after = (product: Product | null, attempt: number) =>
    vault.run(
      (controller) => controller.withLogin('prod', 'vault-1', (client) => followerWarnings(client, product)),
      {},
      attempt,
    );
  const follows = () => ok({ ha_enabled: true, leader_address: 'http://127.0.0.1:1' });

  it.each([['openbao' as const], [null]])('of %s, whose node leads still, is the leader’s', async (product) => {
    expect(await after(product, 1)).toEqual([]);
  });

  it('of an OpenBao that follows by then is captured again; in the end it is kept, and told of', async () => {
    vault.answers()['sys/leader'] = follows;

    await expect(after('openbao', 1)).rejects.toMatchObject({ code: 'ClusterUnhealthy', retryable: true });
    expect(await after('openbao', 3)).toEqual([expect.stringContaining('may lack the last writes')]);
  });

  it('of Vault is the leader’s whatever came after: followers refuse', async () => {
    vault.answers()['sys/leader'] = follows;

    expect(await after('vault', 1)).toEqual([]);
  });
});

function stateOf(healthy: boolean): object {
  const server = { address: '10.0.0.2:8201', healthy, status: 'voter', last_index: 7 };
  const servers = { 'vault-2': { id: 'vault-2', ...server } };
  return { data: { healthy, failure_tolerance: 0, leader: 'vault-1', servers } };
}
