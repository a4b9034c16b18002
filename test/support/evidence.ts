import type { EvidenceFacts } from '../../src/evidence/facts';
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
