import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DrError } from '../../../src/contract/failures';
import { type CheckLevel, generationId, type GenerationCopy } from '../../../src/contract/generation';
import { DirectoryRepository } from '../../../src/repository/directory';
import { listGenerations, publishGeneration } from '../../../src/repository/generations';
import { applyRetention, planRetention } from '../../../src/repository/retention';
import type { RemoveOutcome } from '../../../src/repository/types';
import { sampleManifest, signingPair, stageSample } from '../../support/generation';

const NOW = new Date('2026-11-23T12:00:00Z');
const HOUR_MS = 60 * 60 * 1000;

function copyAt(capturedAt: Date, index: number, check: CheckLevel): GenerationCopy {
  const manifest = sampleManifest(Buffer.of(1), { capturedAt: capturedAt.toISOString() });
  const generation = generationId(manifest.capturedAt, index, index.toString(16).padStart(8, '0'));
  return {
    repository: 'local',
    generation,
    manifest: { ...manifest, generation },
    manifestSha256: '0'.repeat(64),
    check,
  };
}

/** Up to 40 generations within four days around now, in any order, two days of clock jumps either way. */
const copies = fc
  .array(
    fc.record({
      minutes: fc.integer({ min: -2880, max: 2880 }),
      check: fc.constantFrom<CheckLevel>('listed', 'hashed', 'restored'),
    }),
    { maxLength: 40 },
  )
  .map((list) =>
    list.map(({ minutes, check }, index) => copyAt(new Date(NOW.getTime() + minutes * 60_000), index, check)),
  );
const last = fc.integer({ min: 1, max: 12 });

/** What is kept, said once more and as plainly as possible. */
function modelKeep(all: GenerationCopy[], count: number): Set<string> {
  const ids = (list: GenerationCopy[]) => list.map(({ generation }) => generation).sort();
  const future = all.filter(({ manifest }) => Date.parse(manifest.capturedAt) - NOW.getTime() > 5 * 60_000);
  const past = all.filter((copy) => !future.includes(copy));
  return new Set([
    ...ids(past).slice(-count),
    ...ids(future),
    ...ids(all.filter(({ check }) => check === 'hashed' || check === 'restored')).slice(-1),
    ...ids(all.filter(({ check }) => check === 'restored')).slice(-1),
  ]);
}

describe('planRetention', () => {
  it('keeps what the model keeps, and removes the rest', () => {
    fc.assert(
      fc.property(copies, last, (all, count) => {
        const plan = planRetention(all, { last: count }, NOW);

        const expected = modelKeep(all, count);
        expect(new Set(plan.keep.map(({ generation }) => generation))).toEqual(expected);
        expect(new Set(plan.remove)).toEqual(new Set(all.map((c) => c.generation).filter((id) => !expected.has(id))));
        expect(plan.keep.length + plan.remove.length).toBe(all.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on the order, and plans nothing more once it was done', () => {
    fc.assert(
      fc.property(copies, last, fc.nat(), (all, count, seed) => {
        const plan = planRetention(all, { last: count }, NOW);
        const rotated = [...all.slice(seed % (all.length + 1)), ...all.slice(0, seed % (all.length + 1))].reverse();
        const left = all.filter(({ generation }) => !plan.remove.includes(generation));

        expect(planRetention(rotated, { last: count }, NOW)).toEqual(plan);
        expect(planRetention(left, { last: count }, NOW).remove).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('says why each one stays', () => {
    const at = (hours: number) => new Date(NOW.getTime() + hours * HOUR_MS);
    const all = [
      copyAt(at(-50), 1, 'restored'),
      copyAt(at(-40), 2, 'hashed'),
      copyAt(at(-30), 3, 'listed'),
      copyAt(at(-2), 4, 'listed'),
      copyAt(at(48), 5, 'listed'),
    ];

    const plan = planRetention(all, { last: 1 }, NOW);

    expect(plan.keep.map(({ why }) => why)).toEqual([
      'captured later than now',
      'one of the newest 1',
      'the newest that was read end to end',
      'the newest that was restored',
    ]);
    expect(plan.remove).toEqual([all[2]?.generation]);
  });
});

describe('applyRetention', () => {
  const keys = signingPair();
  let root: string;
  let repository: DirectoryRepository;
  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), 'retention-'));
    await mkdir(join(root, 'local'));
    repository = new DirectoryRepository('local', join(root, 'local'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  async function published(day: number, target = repository): Promise<string> {
    const capturedAt = `2026-11-${day}T04:00:00.000Z`;
    const staged = await stageSample(join(root, 'staging'), keys, Buffer.from(`snapshot of ${day}`), { capturedAt });
    await publishGeneration(target, staged.directory);
    return staged.manifest.generation;
  }

  const placeOf = (generation: string, ...file: string[]) => join(root, 'local', 'prod', generation, ...file);

  async function planned(count: number) {
    const { copies: found } = await listGenerations(repository, 'prod', keys.publicKeyPem);
    return planRetention(found, { last: count }, NOW);
  }

  it('removes what is planned and nothing else', async () => {
    const [oldest, older, newest] = [await published(20), await published(21), await published(22)];

    const report = await applyRetention(repository, 'prod', await planned(1), NOW);

    expect(report).toEqual({ repository: 'local', kept: 1, removed: [oldest, older], keptLocked: [], failed: [] });
    expect(await readdir(join(root, 'local', 'prod'))).toEqual([newest]);
  });

  it('finishes what was left half removed, and says so only when it is gone', async () => {
    const [old] = [await published(20), await published(22)];
    const plan = await planned(1);
    await rm(placeOf(old, 'manifest.json'));

    const report = await applyRetention(repository, 'prod', plan, NOW);

    expect(report.removed).toEqual([old]);
    expect((await applyRetention(repository, 'prod', plan, NOW)).removed).toEqual([old]);
  });

  it('removes the manifest first: what is cut short is no generation any more', async () => {
    const [old, newest] = [await published(20), await published(22)];
    const plan = await planned(1);
    // A repository that dies in the middle of the removal.
    const removed: string[] = [];
    const dying = Object.create(repository, {
      remove: {
        value: async (key: string): Promise<RemoveOutcome> => {
          if (removed.length > 0) throw new DrError('RepositoryUnavailable', 'the connection was cut');
          removed.push(key);
          return repository.remove(key);
        },
      },
      list: { value: (prefix: string) => repository.list(prefix) },
      isLocked: { value: () => repository.isLocked() },
      removePartials: { value: (before: Date) => repository.removePartials(before) },
    }) as DirectoryRepository;

    const report = await applyRetention(dying, 'prod', plan, NOW);

    expect(removed).toEqual([`prod/${old}/manifest.json`]);
    expect(report.failed).toEqual([{ generation: old, problem: 'the connection was cut' }]);
    const { copies: left, unreadable } = await listGenerations(repository, 'prod', keys.publicKeyPem);
    expect([left.map(({ generation }) => generation), unreadable]).toEqual([[newest], []]);
  });

  it('sweeps what died attempts left a day ago, and leaves fresh ones alone', async () => {
    const [old, fresh, newest] = [await published(20), await published(21), await published(22)];
    await rm(placeOf(old, 'manifest.json'));
    await rm(placeOf(fresh, 'manifest.json'));
    await writeFile(placeOf(newest, '.partial-1'), 'half');
    const twoDaysAgo = new Date(NOW.getTime() - 48 * HOUR_MS);
    for (const file of await readdir(placeOf(old))) await utimes(placeOf(old, file), twoDaysAgo, twoDaysAgo);
    for (const file of await readdir(placeOf(fresh))) await utimes(placeOf(fresh, file), NOW, NOW);
    await utimes(placeOf(newest, '.partial-1'), twoDaysAgo, twoDaysAgo);

    const report = await applyRetention(repository, 'prod', await planned(1), NOW);

    expect(report).toEqual({ repository: 'local', kept: 1, removed: [], keptLocked: [], failed: [] });
    expect((await readdir(join(root, 'local', 'prod'))).sort()).toEqual([fresh, newest]);
    expect(await readdir(placeOf(newest))).toHaveLength(5);
  });

  it('leaves alone what is not its own', async () => {
    const place = join(root, 'local', 'prod', 'notes');
    await mkdir(place, { recursive: true });
    await writeFile(join(place, 'readme'), 'by the operator');
    await utimes(join(place, 'readme'), new Date(0), new Date(0));

    await applyRetention(repository, 'prod', { keep: [], remove: [] }, NOW);

    expect(await readdir(place)).toEqual(['readme']);
  });
});
