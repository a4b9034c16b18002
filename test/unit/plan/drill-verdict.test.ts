import { DRILL_PHASES, type DrillPhase } from '../../../src/contract/drill-levels';
import { type Against, reachedIn } from '../../../src/contract/drill-record';
import { FAILURES, type FailureCode } from '../../../src/contract/failures';
import { recordOfFailed, recordOfPassed, speaksAgainst } from '../../../src/plan/drill-verdict';

const MANIFEST = { serverVersion: '1.21.1', product: 'vault' } as const;
const COPY = {
  generation: '20261123T040000Z-000000004711-0a1b2c3d',
  manifestSha256: 'a'.repeat(64),
  repository: 'local',
  manifest: MANIFEST,
};

describe('a failure speaks against', () => {
  /** Nothing else does, in any phase. */
  const SPEAK: Partial<Record<FailureCode, Partial<Record<DrillPhase, Against>>>> = {
    CopyDamaged: {
      fetch: 'copy',
      decrypt: 'backup',
      fence: 'backup',
      start: 'backup',
      load: 'backup',
      unseal: 'backup',
      verify: 'backup',
    },
    DecryptionFailed: Object.fromEntries(DRILL_PHASES.map((phase) => [phase, 'identity'])),
    DrillRejected: Object.fromEntries(DRILL_PHASES.map((phase) => [phase, 'hook'])),
    VaultRefused: { load: 'backup' },
  };
  const codes = Object.keys(FAILURES) as FailureCode[];

  it.each(codes)('what the table says: %s', (code) => {
    const found = DRILL_PHASES.map((phase) => [phase, speaksAgainst({ code, phase }, '1.21.1', MANIFEST)]);

    expect(found).toEqual(DRILL_PHASES.map((phase) => [phase, SPEAK[code]?.[phase] ?? null]));
  });

  it.each([
    ['an older Vault', '1.20.0', MANIFEST],
    ['another product', '2.3.1', MANIFEST],
    ['one much newer', '2.9.0', { serverVersion: '1.10.0', product: 'vault' } as const],
    ['one whose version is unknown', null, MANIFEST],
    ['any, where nobody knows which made the backup', '1.21.1', { serverVersion: null }],
  ])('nothing, where %s refuses to load it', (_what, version, manifest) => {
    expect(speaksAgainst({ code: 'VaultRefused', phase: 'load' }, version, manifest)).toBeNull();
  });

  it('the backup, where a Vault one version newer refuses it', () => {
    expect(speaksAgainst({ code: 'VaultRefused', phase: 'load' }, '2.0.0', MANIFEST)).toBe('backup');
  });
});

it('what was reached is what the phases before have proved', () => {
  expect(DRILL_PHASES.map((phase) => reachedIn(phase))).toEqual([
    null,
    null,
    'fetched',
    'fetched',
    'fetched',
    'installed',
    'installed',
  ]);
});

describe('the record', () => {
  const phases = [{ phase: 'fetch' as const, milliseconds: 12 }];
  const { manifest: _manifest, ...link } = COPY;

  it('of a drill that passed has its level', () => {
    const ended = { level: 'installed' as const, serverVersion: '1.21.1', phases };

    expect(recordOfPassed(COPY, ended)).toEqual({ ...link, ...ended, failed: null });
  });

  it('of one that failed says where, and against what', () => {
    const failed = { phase: 'load', code: 'CopyDamaged' } as const;

    expect(recordOfFailed(COPY, failed, { serverVersion: '1.21.1', phases })).toEqual({
      ...link,
      level: 'fetched',
      failed: { ...failed, against: 'backup' },
      serverVersion: '1.21.1',
      phases,
    });
  });

  it('of one that could not be carried out does not exist', () => {
    const noFence = { phase: 'fence', code: 'NodeUnsafe' } as const;

    expect(recordOfFailed(COPY, noFence, { serverVersion: null, phases: [] })).toBeNull();
  });

  it('names no version that is none', () => {
    const ended = { level: 'installed' as const, serverVersion: '1.21\u001b[2J', phases: [] };

    expect(recordOfPassed(COPY, ended).serverVersion).toBeNull();
  });
});
