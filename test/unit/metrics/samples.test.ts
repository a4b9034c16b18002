import { cp, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { parseConfig } from '../../../src/config/load';
import type { ReadinessReport } from '../../../src/contract/readiness';
import { evaluationSamples } from '../../../src/metrics/evaluation';
import type { Sample } from '../../../src/metrics/families';
import { readRepository, type RepositoryFacts, repositorySamples } from '../../../src/metrics/repositories';
import { type RunFacts, runSamples } from '../../../src/metrics/runs';
import { renderMetrics } from '../../../src/metrics/text';
import { DirectoryRepository } from '../../../src/repository/directory';
import { writeMark } from '../../../src/repository/keep/marks';
import { signingPair, stageSample } from '../../support/generation';
import { PARKED, RETRYING, progressWith, START } from '../../support/run-samples';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const MINUTE_MS = 60_000;
const NOW = Date.parse(START) + 20 * MINUTE_MS;

/** The lines of one metric, without its name. */
function linesOf(samples: readonly Sample[], name: string): string[] {
  const lines = renderMetrics(samples).split('\n');
  return lines.filter((line) => line.startsWith(`${name}{`)).map((line) => line.slice(name.length));
}

describe('of an evaluation', () => {
  const report: ReadinessReport = {
    cluster: 'prod',
    run: 'run-1',
    requestedBy: 'schedule',
    startedAt: START,
    evaluatedAt: '2026-11-23T05:00:00.500Z',
    verdict: 'no',
    backup: { generation: 'x', capturedAt: '2026-11-23T04:00:00.000Z', copies: ['local'] },
    rpo: { targetSeconds: 3_600, expectedSeconds: 3_600 },
    rto: {
      targetSeconds: null,
      expectedSeconds: null,
      machineSeconds: 42.5,
      measuredBy: 'drills',
      peopleSeconds: null,
    },
    checks: [
      { check: 'chain', verdict: 'no', seen: '', remedy: '' },
      { check: 'room', verdict: 'unchecked', seen: '', remedy: '' },
      { check: 'copies', verdict: 'yes', seen: '', remedy: null },
    ],
  };

  it('what could not be checked is neither yes nor no, and what is not known is not there', () => {
    const samples = evaluationSamples(report);

    expect(linesOf(samples, 'vault_dr_recoverable')).toEqual(['{cluster="prod"} 0']);
    expect(linesOf(samples, 'vault_dr_readiness_check')).toEqual([
      '{cluster="prod",check="chain"} 0',
      '{cluster="prod",check="room"} -1',
      '{cluster="prod",check="copies"} 1',
    ]);
    expect(linesOf(samples, 'vault_dr_chain_intact')).toEqual(['{cluster="prod"} 0']);
    expect(linesOf(samples, 'vault_dr_audit_trail_intact')).toEqual([]);
    expect(linesOf(samples, 'vault_dr_predicted_recovery_seconds')).toEqual(['{cluster="prod",part="machine"} 42.5']);
    expect(linesOf(samples, 'vault_dr_objective_seconds')).toEqual(['{cluster="prod",objective="rpo"} 3600']);
    expect(linesOf(samples, 'vault_dr_readiness_evaluated_timestamp_seconds')).toEqual([
      '{cluster="prod"} 1795410000.5',
    ]);
    expect(linesOf(samples, 'vault_dr_generation_newest_timestamp_seconds')).toEqual([
      '{cluster="prod",repository="local",check="hashed"} 1795406400',
    ]);
  });
});

describe('of runs', () => {
  const idle: RunFacts = { schedules: {}, backups: {}, nodes: [], recovery: null };

  it.each<[string, RunFacts['schedules'], string]>([
    ['none is scheduled', {}, '0'],
    ['one is due every hour', { backup: { paused: false, everySeconds: 3_600 } }, '3600'],
    ['it is paused', { backup: { paused: true, everySeconds: 3_600 } }, 'NaN'],
    ['it has no interval', { backup: { paused: false, everySeconds: null } }, 'NaN'],
  ])('the interval of backups, if %s', (_what, schedules, value) => {
    const samples = runSamples('prod', { ...idle, schedules }, NOW);
    expect(linesOf(samples, 'vault_dr_backup_expected_interval_seconds')).toEqual([`{cluster="prod"} ${value}`]);
  });

  it('backups that ended, agents, and schedules that are paused', () => {
    const samples = runSamples(
      'prod',
      {
        ...idle,
        schedules: { backup: { paused: false, everySeconds: 1 }, drill: { paused: true, everySeconds: 1 } },
        backups: { completed: { startedAt: 1_000, endedAt: 13_500 }, failed: { endedAt: 5_000 } },
        nodes: [
          { node: 'vault-1', polled: true },
          { node: 'vault-2', polled: false },
        ],
      },
      NOW,
    );

    expect(linesOf(samples, 'vault_dr_schedule_paused')).toEqual([
      '{cluster="prod",schedule="backup"} 0',
      '{cluster="prod",schedule="drill"} 1',
    ]);
    expect(linesOf(samples, 'vault_dr_backup_last_timestamp_seconds')).toEqual([
      '{cluster="prod",outcome="completed"} 13.5',
      '{cluster="prod",outcome="failed"} 5',
    ]);
    expect(linesOf(samples, 'vault_dr_backup_duration_seconds')).toEqual(['{cluster="prod"} 12.5']);
    expect(linesOf(samples, 'vault_dr_agent_up')).toEqual([
      '{cluster="prod",node="vault-1"} 1',
      '{cluster="prod",node="vault-2"} 0',
    ]);
  });

  it('what a recovery waits for, and since when', () => {
    const phases = [{ phase: 'unseal' as const, startedAt: START, finishedAt: null, humanSeconds: 0 }];
    const waiting = progressWith({
      phase: 'unseal',
      waitingFor: 'shares',
      phases,
      parked: [PARKED],
      retrying: [RETRYING],
    });
    const samples = runSamples('prod', { ...idle, recovery: waiting }, NOW);

    expect(linesOf(samples, 'vault_dr_recovery_phase')).toEqual(['{cluster="prod",phase="unseal"} 1']);
    expect(linesOf(samples, 'vault_dr_recovery_waiting_seconds')).toEqual([
      '{cluster="prod",for="shares"} 1200',
      '{cluster="prod",for="decision"} 1200',
      '{cluster="prod",for="step"} 1200',
    ]);
    const fenced = runSamples('prod', { ...idle, recovery: { ...waiting, waitingFor: 'goLive', parked: [] } }, NOW);
    expect(linesOf(fenced, 'vault_dr_recovery_waiting_seconds')[0]).toBe('{cluster="prod",for="go-live"} 1200');
    // No controller answers for it.
    const silent = runSamples('prod', { ...idle, recovery: { phase: 'unseal' } }, NOW);
    expect(linesOf(silent, 'vault_dr_recovery_phase')).toEqual(['{cluster="prod",phase="unseal"} 1']);
    expect(linesOf(silent, 'vault_dr_recovery_waiting_seconds')).toEqual([]);
  });
});

/** Real directories. */
describe('of repositories', () => {
  const inTest = useDirectory();
  const keys = signingPair();
  const NAMES = ['local', 'offsite'];
  const config = () =>
    parseConfig(
      `${sampleConfig({
        repositories: Object.fromEntries(NAMES.map((name) => [name, inTest(name)])),
        publicKeyFile: inTest('signing.pub'),
      })}stateDir: ${inTest('state')}\n`,
      'x',
    );
  const repository = (name: string) => new DirectoryRepository(name, inTest(name));
  let older: Awaited<ReturnType<typeof stageSample>>;
  let newer: typeof older;

  beforeEach(async () => {
    await writeFile(inTest('signing.pub'), keys.publicKeyPem);
    older = await stageSample(inTest('older'), keys, Buffer.from('older'), { capturedAt: '2026-11-23T04:00:00.000Z' });
    newer = await stageSample(inTest('newer'), keys, Buffer.from('newer'), { capturedAt: '2026-11-23T05:00:00.000Z' });
    for (const name of NAMES) {
      await mkdir(inTest(name, 'prod'), { recursive: true, mode: 0o700 });
      for (const { directory, manifest } of [older, newer])
        await cp(directory, inTest(name, 'prod', manifest.generation), { recursive: true });
    }
  });

  async function samples(changes: Record<string, null> = {}): Promise<Sample[]> {
    const context = { config: config(), cluster: 'prod', publicKey: keys.publicKeyPem };
    const facts = new Map<string, RepositoryFacts | null>();
    for (const name of NAMES) {
      facts.set(name, name in changes ? null : await readRepository(repository(name), context));
    }
    return repositorySamples(context.config, 'prod', facts, NOW);
  }

  it('how many backups there are, since when, and what the newest holds', async () => {
    const found = await samples();

    expect(linesOf(found, 'vault_dr_generations')).toEqual([
      '{cluster="prod",repository="local"} 2',
      '{cluster="prod",repository="offsite"} 2',
    ]);
    expect(linesOf(found, 'vault_dr_generation_oldest_timestamp_seconds')[0]).toMatch(/ 1795406400$/);
    expect(linesOf(found, 'vault_dr_generation_newest_timestamp_seconds')).toEqual([
      '{cluster="prod",repository="local",check="listed"} 1795410000',
      '{cluster="prod",repository="offsite",check="listed"} 1795410000',
    ]);
    expect(linesOf(found, 'vault_dr_generation_size_bytes')).toEqual(['{cluster="prod"} 5']);
    expect(linesOf(found, 'vault_dr_generation_keys')).toEqual(['{cluster="prod"} 2']);
    expect(linesOf(found, 'vault_dr_generation_leases')).toEqual(['{cluster="prod"} 3']);
    // Nothing is to lock them.
    expect(linesOf(found, 'vault_dr_generation_lock_remaining_seconds')).toEqual([]);
  });

  it('which lacks a backup, has a damaged one, or does not answer', async () => {
    await rm(inTest('offsite', 'prod', newer.manifest.generation), { recursive: true });
    const damaged = inTest('local', 'prod', older.manifest.generation);
    expect(await readdir(damaged)).toContain('manifest.json');
    await writeFile(`${damaged}/manifest.json`, '{}');

    const found = await samples();

    expect(linesOf(found, 'vault_dr_repository_missing_generations')).toEqual([
      '{cluster="prod",repository="local"} 0',
      '{cluster="prod",repository="offsite"} 1',
    ]);
    expect(linesOf(found, 'vault_dr_repository_damaged_generations')).toEqual([
      '{cluster="prod",repository="local"} 1',
      '{cluster="prod",repository="offsite"} 0',
    ]);
    await rm(inTest('offsite', 'prod', older.manifest.generation), { recursive: true });
    expect(linesOf(await samples(), 'vault_dr_repository_missing_generations')[1]).toMatch(/"offsite"\} 2$/);
    expect(linesOf(await samples({ offsite: null }), 'vault_dr_repository_up')).toEqual([
      '{cluster="prod",repository="local"} 1',
      '{cluster="prod",repository="offsite"} 0',
    ]);
  });

  it('what drills and roll-calls have proved', async () => {
    const { manifest, manifestSha256 } = older;
    const base = { cluster: 'prod', generation: manifest.generation, manifestSha256, repository: 'local' };
    await writeMark(
      repository('local'),
      {
        ...base,
        kind: 'drilled',
        at: '2026-11-23T04:30:00.000Z',
        run: 'run-1',
        level: 'restored',
        failed: null,
        serverVersion: '1.21.1',
        phases: [{ phase: 'load', milliseconds: 1_500 }],
      },
      keys.privateKeyPem,
    );
    const holders = [
      { holder: 'ana', outcome: 'right' as const, shares: 1 },
      { holder: 'ben', outcome: 'wrong' as const, shares: 1 },
    ];
    await writeMark(
      repository('local'),
      {
        ...base,
        kind: 'roll-call',
        at: '2026-11-23T04:40:00.000Z',
        run: 'run-2',
        keys: 'unseal',
        shares: 5,
        threshold: 3,
        holders,
      },
      keys.privateKeyPem,
    );

    const found = await samples();

    expect(linesOf(found, 'vault_dr_generation_newest_timestamp_seconds')).toContain(
      '{cluster="prod",repository="offsite",check="restored"} 1795406400',
    );
    expect(linesOf(found, 'vault_dr_drill_last_timestamp_seconds')).toEqual([
      '{cluster="prod",outcome="completed"} 1795408200',
    ]);
    expect(linesOf(found, 'vault_dr_drill_duration_seconds')).toEqual(['{cluster="prod",part="load"} 1.5']);
    expect(linesOf(found, 'vault_dr_share_proven_timestamp_seconds')).toEqual([
      '{cluster="prod",holder="ana"} 1795408800',
      '{cluster="prod",holder="ben"} 0',
    ]);
  });
});
