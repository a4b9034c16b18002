import type { ServiceDriver } from '../../../../src/host/service/service-driver';
import type { Leader } from '../../../../src/vault/answers';
import { Leaderless } from '../../../../activities/node/leaderless';

const START = Date.parse('2026-01-01T00:00:00Z');
const LOG = '2026-01-01T00:00:05.000Z [ERROR] core: post-unseal setup failed: error="failed to setup audit table"\n';
const nobody = { isSelf: false, leaderAddress: '' };
const itself = { isSelf: true, leaderAddress: 'https://vault-1:8200' };

/** Looks once a second. @returns what it hears in which second */
async function looks(answers: Pick<Leader, 'isSelf' | 'leaderAddress'>[], log = LOG) {
  const node = { name: 'vault-1', address: 'https://vault-1:8200' };
  const driver = { recentLog: () => Promise.resolve(log) } as unknown as ServiceDriver;
  const leaderless = new Leaderless({ node, driver } as unknown as ConstructorParameters<typeof Leaderless>[0]);
  const heard: [number, string][] = [];
  for (const [second, answer] of answers.entries()) {
    const vault = { leader: () => Promise.resolve(answer as Leader) };
    const failed = await leaderless.look(vault, START + second * 1_000);
    if (failed) heard.push([second, failed.problem]);
  }
  return heard;
}

const times = <T>(count: number, item: T) => Array.from({ length: count }, () => item);

it('says why a Vault that is open has no leader, but not during an election', async () => {
  const heard = await looks(times(12, nobody));

  expect(heard.map(([second]) => second)).toEqual([10, 11]);
  expect(heard[0]?.[1]).toMatch(/^vault-1 is unsealed and has no leader\. Vault's log says: An audit device/);
  expect(await looks(times(9, nobody))).toEqual([]);
});

it('continues to say it while such a Vault names itself for moments, and stops when it leads', async () => {
  const heard = await looks([...times(11, nobody), itself, nobody, ...times(8, itself)]);

  expect(heard.at(0)?.[0]).toBe(10);
  expect(heard.at(-1)?.[0]).toBe(17);
});

it('is silent where the log says nothing that is known', async () => {
  expect(await looks(times(15, nobody), '2026-01-01T00:00:05.000Z [INFO] core: all is well\n')).toEqual([]);
});
