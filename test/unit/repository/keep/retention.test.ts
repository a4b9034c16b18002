import { mkdtempSync, rmSync } from 'node:fs';
import { mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { DrError } from '../../../../src/contract/failures';
import type { RetentionPolicy } from '../../../../src/contract/backup';
import { type CheckLevel, generationId } from '../../../../src/contract/generation';
import { DirectoryRepository } from '../../../../src/repository/directory';
import { listGenerations, publishGeneration } from '../../../../src/repository/generations';
import {
  applyRetention,
  planRetention,
  type RetentionCandidate,
  worthAdding,
} from '../../../../src/repository/keep/retention';
import type { RemoveOutcome } from '../../../../src/repository/types';
import { keepLast, signingPair, stageSample } from '../../../support/generation';

const NOW = new Date('2026-11-23T12:00:00Z');
const HOUR_MS = 60 * 60 * 1000;
const LEVELS = ['listed', 'hashed', 'restored'] as const;

interface Candidate extends RetentionCandidate {
  pinned: boolean;
}

function candidate(minutesAgo: number, index: number, check: CheckLevel, pinned = false): Candidate {
  const capturedAt = new Date(NOW.getTime() - minutesAgo * 60_000).toISOString();
  const suffix = index.toString(16).padStart(8, '0');
  return {
    generation: generationId(capturedAt, index, suffix),
    manifestSha256: `hash of ${suffix}`,
    check,
    pinned,
    manifest: { capturedAt },
  };
}

const DRILLED = ['fetched', 'installed', 'restored'] as const;

const pinsOf = (all: Candidate[]) => new Set(all.filter((copy) => copy.pinned).map((copy) => copy.manifestSha256));
const idsOf = (all: { generation: string }[]) => all.map(({ generation }) => generation);

/** Hours, days, months and years apart; some made by a clock that was up to two days ahead. */
const minutesAgo = fc.oneof(
  fc.integer({ min: -2880, max: 2880 }),
  fc.integer({ min: 0, max: 60 * 24 * 60 }),
  fc.integer({ min: 0, max: 3 * 365 * 24 * 60 }),
);
const candidates = fc
  .array(fc.tuple(minutesAgo, fc.integer({ min: 0, max: 11 })), { minLength: 2, maxLength: 12, size: 'max' })
  .map((list) =>
    list.map(([ago, dice], index) => ({
      ...candidate(ago, index, LEVELS[dice % 3] ?? 'listed', dice === 11),
      drilled: DRILLED[dice % 7] ?? null,
    })),
  );
const small = fc.integer({ min: 0, max: 4 });
const policies: fc.Arbitrary<RetentionPolicy> = fc
  .tuple(
    fc.integer({ min: 1, max: 8 }),
    fc.tuple(small, small, small, small, small),
    fc.option(fc.integer({ min: 1, max: 400 })),
    small,
  )
  .map(([last, [hourly, daily, weekly, monthly, yearly], days, minimum]) => ({
    last,
    hourly,
    daily,
    weekly,
    monthly,
    yearly,
    maxAgeSeconds: days === null ? null : days * 86_400,
    minimum: minimum + 1,
  }));
/** The controller's clock: right, or up to two days off either way. */
const clocks = fc
  .oneof(fc.constant(0), fc.integer({ min: -2880, max: 2880 }))
  .map((minutes) => new Date(NOW.getTime() + minutes * 60_000));

/** First characters of an ISO date name hour, day, month and year; a week is named by its Monday. */
const PERIOD_NAMES: Record<'hourly' | 'daily' | 'weekly' | 'monthly' | 'yearly', (at: string) => string> = {
  hourly: (at) => at.slice(0, 13),
  daily: (at) => at.slice(0, 10),
  weekly: (at) => {
    const day = new Date(at.slice(0, 10));
    day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7));
    return day.toISOString().slice(0, 10);
  },
  monthly: (at) => at.slice(0, 7),
  yearly: (at) => at.slice(0, 4),
};

/** What is kept, said once more and one generation at a time. */
function modelKeeps(copy: Candidate, all: Candidate[], policy: RetentionPolicy, now: Date): boolean {
  const at = ({ manifest }: Candidate) => manifest.capturedAt;
  const future = (other: Candidate) => Date.parse(at(other)) - now.getTime() > 5 * 60_000;
  const old = (other: Candidate) =>
    policy.maxAgeSeconds !== null && now.getTime() - Date.parse(at(other)) > policy.maxAgeSeconds * 1000;
  if (copy.pinned || future(copy)) return true;
  const newer = all.filter((other) => !future(other) && other.generation > copy.generation);
  if (newer.length < policy.minimum) return true;
  if (copy.check === 'restored' && !newer.some(({ check }) => check === 'restored')) return true;
  const levelOf = ({ drilled }: RetentionCandidate) => (drilled ? DRILLED.indexOf(drilled) : -1);
  const others = all.filter((other) => !future(other) && other !== copy);
  if (
    copy.drilled &&
    !others.some((other) => levelOf(other) > levelOf(copy)) &&
    !newer.some((other) => levelOf(other) === levelOf(copy))
  )
    return true;
  if (copy.check !== 'listed' && !newer.some(({ check }) => check !== 'listed')) return true;
  if (old(copy)) return false;
  if (newer.length < policy.last) return true;
  return (Object.keys(PERIOD_NAMES) as (keyof typeof PERIOD_NAMES)[]).some((name) => {
    const names = new Set(newer.map((other) => PERIOD_NAMES[name](at(other))));
    return !names.has(PERIOD_NAMES[name](at(copy))) && names.size < policy[name];
  });
}

describe('planRetention', () => {
  it('agrees with the model in 100,000 random cases, also with clocks that are two days off', () => {
    let cases = 0;
    let removed = 0;

    fc.assert(
      fc.property(candidates, policies, clocks, (all, policy, now) => {
        const plan = planRetention(all, policy, now, pinsOf(all));

        const expected = new Set(all.filter((copy) => modelKeeps(copy, all, policy, now)).map((c) => c.generation));
        cases++;
        removed += plan.remove.length;
        return (
          plan.keep.length === expected.size &&
          plan.keep.every(({ generation }) => expected.has(generation)) &&
          plan.keep.length + plan.remove.length === all.length
        );
      }),
      { numRuns: 100_000 },
    );

    expect(cases).toBe(100_000);
    expect(removed).toBeGreaterThan(100_000);
  });

  it('never breaks the floor, whatever the clock says, and plans nothing more once it was done', () => {
    fc.assert(
      fc.property(candidates, policies, clocks, clocks, (all, policy, now, later) => {
        const first = planRetention(all, policy, now, pinsOf(all));
        const left = all.filter(({ generation }) => !first.remove.includes(generation));
        const again = planRetention(left, policy, now, pinsOf(all));
        const jumped = planRetention(left, policy, later, pinsOf(all));
        const last = left.filter(({ generation }) => !jumped.remove.includes(generation));
        const best = (list: Candidate[]) =>
          idsOf(
            list.filter(
              (copy) => copy.check !== 'listed' && Date.parse(copy.manifest.capturedAt) - now.getTime() <= 5 * 60_000,
            ),
          );

        expect(again.remove).toEqual([]);
        expect(last.length).toBeGreaterThanOrEqual(Math.min(policy.minimum, all.length));
        expect(idsOf(last)).toEqual(expect.arrayContaining(idsOf(all.filter((copy) => copy.pinned))));
        expect(best(left).toSorted().at(-1)).toBe(best(all).toSorted().at(-1));
      }),
      { numRuns: 3000 },
    );
  });

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(candidates, policies, fc.nat(), (all, policy, seed) => {
        const rotated = [...all.slice(seed % (all.length + 1)), ...all.slice(0, seed % (all.length + 1))].reverse();

        expect(planRetention(rotated, policy, NOW, pinsOf(all))).toEqual(planRetention(all, policy, NOW, pinsOf(all)));
      }),
      { numRuns: 1000 },
    );
  });

  it('says why each one stays', () => {
    const day = 24 * 60;
    const all = [
      candidate(900 * day, 1, 'listed', true),
      candidate(400 * day, 2, 'restored'),
      candidate(300 * day, 3, 'hashed'),
      candidate(40 * day, 4, 'listed'),
      candidate(39 * day, 5, 'listed'),
      candidate(1 * day, 6, 'listed'),
      candidate(0, 7, 'listed'),
      candidate(-2 * day, 8, 'listed'),
    ];

    const policy = keepLast(1, { monthly: 2, minimum: 2, maxAgeSeconds: 100 * 86_400 });
    const plan = planRetention(all, policy, NOW, pinsOf(all));

    expect(plan.keep.map(({ why }) => why)).toEqual([
      'captured in the future',
      'one of the newest 1',
      'one of the newest 2, however old',
      'the newest of its month',
      'the newest backup that was read end to end',
      'the newest restored backup',
      'pinned',
    ]);
    expect(plan.remove).toEqual([all[3]?.generation]);
  });

  it('keeps the floor of a cluster that has made no backup for longer than the greatest age', () => {
    const all = [30, 31, 32, 33].map((days, index) => candidate(days * 24 * 60, index, 'listed'));

    const plan = planRetention(all, keepLast(30, { minimum: 2, maxAgeSeconds: 7 * 86_400 }), NOW);

    expect(idsOf(plan.keep)).toEqual(idsOf(all.slice(0, 2)));
  });
});

describe('worthAdding', () => {
  it('names what is lacking and would stay, oldest first, and so never what retention would remove at once', () => {
    const all = [4, 3, 2, 1, 0].map((days, index) => candidate(days * 24 * 60, index, 'listed'));
    const [oldest, older, damaged, lacking, newest] = all as [Candidate, Candidate, Candidate, Candidate, Candidate];
    const target = { copies: [older, newest], unreadable: [damaged] };

    const added = (last: number, pinned: string[] = []) =>
      worthAdding({ copies: all, unreadable: [] }, target, keepLast(last), NOW, new Set(pinned));

    expect(added(3)).toEqual([lacking.generation]);
    expect(added(9)).toEqual(idsOf([oldest, lacking]));
    expect(added(1, [oldest.manifestSha256])).toEqual([oldest.generation]);
  });

  it('brings nothing older for what can only not be read just now, on either side', () => {
    const all = [4, 3, 2, 1, 0].map((days, index) => candidate(days * 24 * 60, index, 'listed'));
    const [oldest, older, ...newer] = all as [Candidate, Candidate, ...Candidate[]];
    const unread = newer.map(({ generation }) => ({ generation, retryable: true }));
    const rest = { copies: [oldest, older], unreadable: [] };

    expect(worthAdding(rest, { copies: [], unreadable: unread }, keepLast(3), NOW, new Set())).toEqual([]);
    expect(worthAdding(rest, { copies: [], unreadable: unread }, keepLast(4), NOW, new Set())).toEqual(idsOf([older]));
    const offered = { ...rest, unreadable: unread };
    expect(worthAdding(offered, { copies: [], unreadable: [] }, keepLast(3), NOW, new Set())).toEqual([]);
    expect(worthAdding(offered, { copies: newer, unreadable: [] }, keepLast(4), NOW, new Set())).toEqual(
      idsOf([older]),
    );
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
    return planRetention(found, keepLast(count), NOW);
  }

  it('removes what is planned and nothing else', async () => {
    const [oldest, older, newest] = [await published(20), await published(21), await published(22)];

    const report = await applyRetention(repository, 'prod', await planned(1), NOW);

    expect(report).toEqual({
      repository: 'local',
      kept: 1,
      removed: [oldest, older],
      keptLocked: [],
      failed: [],
      warnings: [],
    });
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
      removePartials: { value: (cluster: string, before: Date) => repository.removePartials(cluster, before) },
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

    expect(report).toEqual({ repository: 'local', kept: 1, removed: [], keptLocked: [], failed: [], warnings: [] });
    expect((await readdir(join(root, 'local', 'prod'))).sort()).toEqual([fresh, newest]);
    expect(await readdir(placeOf(newest))).toHaveLength(5);
  });

  it('tells what it removed, also where nobody may sweep', async () => {
    const [old] = [await published(20), await published(22)];
    const refused = new DrError('PermissionDenied', 'local: scandir failed with EACCES');
    jest.spyOn(repository, 'removePartials').mockRejectedValue(refused);

    const report = await applyRetention(repository, 'prod', await planned(1), NOW);

    const warnings = [expect.stringContaining('were not removed and take up space: local: scandir failed with EACCES')];
    expect(report).toMatchObject({ kept: 1, removed: [old], failed: [], warnings });
  });

  it('takes up the removal of a generation that was cut short, without waiting for a day', async () => {
    const [half, fresh, newest] = [await published(20), await published(21), await published(22)];
    await rm(placeOf(half, 'manifest.json'));
    await rm(placeOf(fresh, 'manifest.json'));

    await applyRetention(repository, 'prod', await planned(1), new Date(), {}, new Set([half, newest]));

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
