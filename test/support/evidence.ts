import { evidenceOf } from '../../src/evidence/document';
import type { EvidenceFacts } from '../../src/evidence/facts';
import type { CheckName } from '../../src/evidence/standards';
import type { Mark } from '../../src/repository/keep/marks';
import type { GenerationCopy, Manifest } from '../../src/contract/generation';
import { sampleManifest } from './generation';

export const PERIOD = { from: '2026-11-01T00:00:00.000Z', to: '2026-11-02T00:00:00.000Z' };

/** A copy of the backup of that time, as listed. */
export function copyOf(repository: string, capturedAt: string, overrides: Partial<Manifest> = {}): GenerationCopy {
  const manifest = sampleManifest(Buffer.from(capturedAt), { capturedAt, ...overrides });
  const manifestSha256 = Buffer.from(manifest.generation.slice(-8)).toString('hex').repeat(4);
  return { repository, generation: manifest.generation, manifest, manifestSha256, check: 'listed' };
}

/** Two repositories with whole copies of backups at these times of the first of November, and nothing else. */
export function factsWith(times: readonly string[], overrides: Partial<EvidenceFacts> = {}): EvidenceFacts {
  const names = ['local', 'offsite'];
  const views = names.map((repository) => ({
    repository,
    copies: times.map((time) => copyOf(repository, `2026-11-01T${time}:00.000Z`)),
    unreadable: [],
    tombstones: [],
  }));
  return {
    cluster: 'prod',
    period: PERIOD,
    createdAt: '2026-11-03T00:00:00.000Z',
    createdBy: { product: 'vault-dr 1.0.0', controller: 'dr-1', person: 'ana' },
    signingKeySha256: 'a'.repeat(64),
    policy: {
      rpoSeconds: 6 * 3600,
      rto: { targetSeconds: 1_800, peopleSeconds: 300, withoutPeople: false },
      drillDays: null,
      rollCall: null,
      approvers: [],
      locking: new Map(),
    },
    repositories: names.map((repository) => ({
      repository,
      type: 'directory',
      place: `/backups/${repository}`,
      lock: null,
      problem: null,
    })),
    views,
    chain: [],
    marks: names.map((repository) => ({ repository, marks: [], heads: [], problems: [] })),
    reads: views.flatMap(({ repository, copies }) =>
      copies.map(({ generation }) => ({ repository, generation, problem: null, retryable: false })),
    ),
    locks: [],
    reports: [],
    trails: {
      trails: [
        {
          controller: 'dr-1',
          place: '/var/lib/vault-dr/audit.jsonl',
          trail: null,
          records: 1,
          behind: 0,
          head: 'b'.repeat(64),
          problems: [],
        },
      ],
      lines: [],
      heads: [],
      problems: [],
      open: [],
      notices: [],
    },
    ...overrides,
  };
}

export const ALL_DAY = ['00:00', '06:00', '12:00', '18:00'];

/** Verdict and reason of one check. */
export function checkIn(facts: EvidenceFacts, wanted: CheckName) {
  const { verdict, seen } = evidenceOf(facts).checks.find(({ check }) => check === wanted)!;
  return `${verdict}: ${seen}`;
}

/** The second repository does not answer. */
export function silent(facts: EvidenceFacts): EvidenceFacts {
  const [first, second] = facts.repositories;
  return {
    ...facts,
    repositories: [first!, { ...second!, problem: 'connection refused.' }],
    views: facts.views.slice(0, 1),
    marks: facts.marks.slice(0, 1),
    reads: facts.reads!.filter(({ repository }) => repository === 'local'),
  };
}

export const withPolicy = (facts: EvidenceFacts, policy: Partial<EvidenceFacts['policy']>): EvidenceFacts => ({
  ...facts,
  policy: { ...facts.policy, ...policy },
});

/** The mark of a drill of the first backup. */
export const drilled = (
  at: string,
  milliseconds: number,
  failed: boolean,
  generation = factsWith(['00:00']).views[0]!.copies[0]!,
): Mark => ({
  format: 'vault-dr/mark/v1',
  kind: 'drilled',
  cluster: 'prod',
  at,
  run: `d${milliseconds}`,
  generation: generation.generation,
  manifestSha256: generation.manifestSha256,
  repository: 'local',
  level: failed ? 'fetched' : 'installed',
  failed: failed ? { phase: 'load', code: 'SnapshotCorrupt', against: 'backup' } : null,
  serverVersion: '1.21.1',
  phases: [{ phase: 'load', milliseconds }],
});

/** In both repositories. */
export function withMarks(facts: EvidenceFacts, ...marks: Mark[]): EvidenceFacts {
  return { ...facts, marks: facts.marks.map((stored) => ({ ...stored, marks })) };
}
