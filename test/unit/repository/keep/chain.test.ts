import fc from 'fast-check';
import type { ChainLink, GenerationCopy, Manifest } from '../../../../src/contract/generation';
import {
  type ChainFinding,
  nextTombstones,
  type RepositoryView,
  type Tombstone,
  verifyChain,
} from '../../../../src/repository/keep/chain';
import { sha256Hex } from '../../../../src/repository/digest';
import { serializeManifest } from '../../../../src/repository/manifest';
import { sampleManifest } from '../../../support/generation';

/** A generation with its real manifest hash; `number` gives its time. */
function generation(number: number, previous: ChainLink | null, overrides: Partial<Manifest> = {}): GenerationCopy {
  const capturedAt = new Date(Date.UTC(2026, 10, 1, number)).toISOString();
  const manifest = sampleManifest(Buffer.from(`snapshot ${number}`), { capturedAt, previous, ...overrides });
  const manifestSha256 = sha256Hex(serializeManifest(manifest));
  return { repository: 'local', generation: manifest.generation, manifest, manifestSha256, check: 'listed' };
}

const link = ({ generation: id, manifestSha256 }: GenerationCopy): ChainLink => ({ generation: id, manifestSha256 });

/** Each one follows the one before; oldest first. */
function chainOf(count: number): GenerationCopy[] {
  const chain: GenerationCopy[] = [];
  for (let number = 0; number < count; number++) {
    const previous = chain.at(-1);
    chain.push(generation(number, previous ? link(previous) : null));
  }
  return chain;
}

function view(copies: GenerationCopy[], overrides: Partial<RepositoryView> = {}): RepositoryView {
  const repository = overrides.repository ?? 'local';
  const own = copies.map((copy) => ({ ...copy, repository }));
  return { copies: own, unreadable: [], tombstones: [], ...overrides, repository };
}

const without = <T>(list: T[], ...indexes: number[]) => list.filter((_, index) => !indexes.includes(index));
const said = (findings: ChainFinding[]) => findings.map(({ kind, generation: id }) => [kind, id]);

const CHAIN = chainOf(6);
const [FIRST, SECOND, THIRD, FOURTH, FIFTH, LAST] = CHAIN as [
  GenerationCopy,
  GenerationCopy,
  GenerationCopy,
  GenerationCopy,
  GenerationCopy,
  GenerationCopy,
];

describe('a chain', () => {
  it('that is whole, in any order and in several repositories, has no findings', () => {
    const views = [view(CHAIN.toReversed()), view(CHAIN, { repository: 'offsite' })];

    expect(verifyChain('prod', views)).toEqual([]);
    expect(verifyChain('prod', [view([])])).toEqual([]);
  });

  it.each([0, 1, 2, 3, 4])('shows that generation %i was removed from everywhere', (index) => {
    const findings = verifyChain('prod', [view(without(CHAIN, index))]);

    expect(findings).toEqual([
      {
        kind: 'removed',
        severity: 'problem',
        generation: CHAIN[index]?.generation,
        text: `is missing from every repository, but ${CHAIN[index + 1]?.generation} follows it and retention did not remove it`,
      },
    ]);
  });

  it('shows what one repository lacks and another one has, also the newest', () => {
    const views = [view(CHAIN), view(without(CHAIN, 2, 5), { repository: 'offsite' })];

    expect(verifyChain('prod', views)).toEqual([
      {
        kind: 'incomplete',
        severity: 'notice',
        generation: LAST.generation,
        text: 'is in local, and 1 before it, but not in offsite',
      },
    ]);
  });

  it('tells two backups at once from a removal', () => {
    const twin = generation(9, link(FIFTH));

    expect(said(verifyChain('prod', [view([...CHAIN, twin])]))).toEqual([['forked', FIFTH.generation]]);
    expect(said(verifyChain('prod', [view([...without(CHAIN, 4), twin])]))).toEqual([
      ['removed', FIFTH.generation],
      ['removed', FIFTH.generation],
      ['forked', FIFTH.generation],
    ]);
  });

  it('shows a generation that was made while no repository answered', () => {
    expect(said(verifyChain('prod', [view([...CHAIN, generation(9, null)])]))).toEqual([
      ['restarted', generation(9, null).generation],
    ]);
  });

  it('shows a replayed one: an older generation in the place of a newer one', () => {
    const replayed = { ...SECOND, generation: LAST.generation };

    expect(said(verifyChain('prod', [view([...without(CHAIN, 5), replayed])]))).toEqual([['moved', LAST.generation]]);
  });

  it('shows one of another cluster', () => {
    const foreign = generation(2, link(SECOND), { cluster: 'staging' });
    const findings = verifyChain('prod', [view([...without(CHAIN, 2), foreign])]);

    expect(said(findings)).toContainEqual(['moved', THIRD.generation]);
    expect(said(findings)).toContainEqual(['removed', THIRD.generation]);
  });

  it('shows one that was signed again with other contents', () => {
    const forged = generation(2, link(SECOND), { serverVersion: '0.0.0' });

    expect(said(verifyChain('prod', [view([...without(CHAIN, 2), forged])]))).toEqual([['replaced', THIRD.generation]]);
    const views = [view(CHAIN), view([...without(CHAIN, 2), forged], { repository: 'offsite' })];
    expect(said(verifyChain('prod', views))).toEqual([['replaced', THIRD.generation]]);
  });

  it('shows one that is dated before the one that it follows', () => {
    const early = generation(0, link(THIRD), { clusterName: 'clock' });
    const id = `${early.generation.slice(0, -8)}00000000`;
    const reordered = { ...early, generation: id, manifest: { ...early.manifest, generation: id } };

    expect(said(verifyChain('prod', [view([...CHAIN, reordered])]))).toContainEqual(['reordered', id]);
  });

  it('names what can not be read once, as that and not as removed', () => {
    const unreadable = [{ generation: THIRD.generation, problem: 'not signed' }];

    expect(said(verifyChain('prod', [view(without(CHAIN, 2), { unreadable })]))).toEqual([
      ['unreadable', THIRD.generation],
    ]);
  });
});

describe('what retention removed', () => {
  const remove = (copies: GenerationCopy[], known: Tombstone[], ...gone: GenerationCopy[]) =>
    nextTombstones(copies, known, new Set(gone.map((copy) => copy.generation)));

  it('leaves no finding, at the end and in the middle', () => {
    const tombstones = remove(CHAIN, [], FIRST, THIRD, FOURTH);

    expect(tombstones.map((stone) => stone.generation)).toEqual([FIRST, THIRD, FOURTH].map((copy) => copy.generation));
    expect(verifyChain('prod', [view(without(CHAIN, 0, 2, 3), { tombstones })])).toEqual([]);
  });

  it('does not hide what somebody else removed', () => {
    const tombstones = remove(CHAIN, [], FIRST, THIRD);

    const findings = verifyChain('prod', [view(without(CHAIN, 0, 1, 2), { tombstones })]);

    expect(said(findings)).toEqual([['removed', SECOND.generation]]);
  });

  it('does not hide what was missing before', () => {
    const left = without(CHAIN, 1);

    const tombstones = remove(left, [], FIRST, THIRD);

    expect(said(verifyChain('prod', [view(without(CHAIN, 0, 1, 2), { tombstones })]))).toEqual([
      ['removed', SECOND.generation],
    ]);
  });

  it('is noticed when it comes back', () => {
    const tombstones = remove(CHAIN, [], FIRST);

    expect(said(verifyChain('prod', [view(CHAIN, { tombstones })]))).toEqual([['returned', FIRST.generation]]);
  });

  it('is no finding in a run of months, finds every foreign removal, and does not pile up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ keep: fc.integer({ min: 1, max: 6 }), drop: fc.nat() }), { minLength: 1, maxLength: 30 }),
        fc.nat(),
        (rounds, victim) => {
          let copies: GenerationCopy[] = [];
          let tombstones: Tombstone[] = [];
          for (const [number, { keep, drop }] of rounds.entries()) {
            const newest = copies.at(-1);
            copies.push(generation(number, newest ? link(newest) : null));
            // Some of the oldest and one anywhere but at the end, as counts by month and year do.
            const gone = new Set(copies.slice(0, Math.max(0, copies.length - keep - 3)));
            if (copies.length > 3) gone.add(copies[drop % (copies.length - 1)] as GenerationCopy);
            tombstones = nextTombstones(copies, tombstones, new Set([...gone].map((copy) => copy.generation)));
            expect(tombstones.length).toBeLessThanOrEqual(copies.length);
            copies = copies.filter((copy) => !gone.has(copy));
          }
          expect(verifyChain('prod', [view(copies, { tombstones })])).toEqual([]);
          const stolen = copies.slice(0, -1)[victim % Math.max(1, copies.length - 1)];
          const findings = verifyChain('prod', [
            view(
              copies.filter((copy) => copy !== stolen),
              { tombstones },
            ),
          ]);
          expect(said(findings)).toEqual(stolen === undefined ? [] : [['removed', stolen.generation]]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
