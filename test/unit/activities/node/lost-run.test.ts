import { cp, mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import type { NodeHost } from '../../../../activities/node/context';
import { lookForLeftOvers, putBackData, setAsideData } from '../../../../activities/node/data';
import { STAGED_MANIFEST } from '../../../../activities/node/approved';
import type { RunClaim } from '../../../../src/contract/recovery';
import { describeUnfinished } from '../../../../src/host/data/unfinished-runs';
import { claimNode } from '../../../../src/host/run/claim';
import { noteUnfinished, unfinishedNotes } from '../../../../src/host/run/unfinished';
import { agentHost } from '../../../support/agent-host';
import { restoreEnvironment } from '../../../support/activity-environment';
import { useDirectory } from '../../../support/temporary';

const LOST: RunClaim = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const NEXT: RunClaim = { run: 'run-2', cluster: 'prod', startedAt: '2026-11-23T05:00:00.000Z' };

const inTest = useDirectory();
let host: NodeHost;

beforeEach(async () => {
  host = agentHost(inTest);
  for (const name of ['data', 'state', 'runtime']) await mkdir(inTest(name));
  await writeFile(inTest('data', 'vault.db'), 'original');
  await claimNode(inTest('state'), 'vault-1', LOST);
});

const as = <T>(claim: RunClaim, work: () => Promise<T>, workflowType = 'restoreCluster') =>
  restoreEnvironment(claim.run, 'prod', { workflowType }).run(work);
const setAside = (claim: RunClaim, lost?: string, workflowType?: string) =>
  as(
    claim,
    () => setAsideData(host, { claim, how: 'rename', otherCluster: true, ...(lost && { lost }) }),
    workflowType,
  );
const putBack = (claim: RunClaim, lost?: string) =>
  as(claim, () => putBackData(host, { claim, ...(lost && { lost }) }));
const unfinished = () => describeUnfinished(host.node, NEXT.run, STAGED_MANIFEST);
const contentOf = (name: string) => readFile(inTest(name, 'vault.db'), 'utf8').catch(() => null);
const beside = async () => (await readdir(inTest('.'))).filter((name) => name.startsWith('data')).toSorted();

/** A run set the original aside and put something in its place, and then Temporal forgot it. */
async function loseARun(): Promise<void> {
  await setAside(LOST);
  await writeFile(inTest('data', 'vault.db'), 'half made');
  await claimNode(inTest('state'), 'vault-1', NEXT);
}

it('says what a lost run had done, also when another has claimed the host since', async () => {
  await mkdir(inTest('state', 'runs', 'run-1'), { recursive: true });
  await writeFile(inTest('state', 'runs', 'run-1', STAGED_MANIFEST), '{"generation":"g"}');
  const claimed = await unfinished();
  await loseARun();

  expect(claimed).toEqual([
    {
      run: 'run-1',
      startedAt: LOST.startedAt,
      staged: 'g',
      beganToSetAside: false,
      setAside: null,
      madeDataDir: false,
    },
  ]);
  expect(await unfinished()).toEqual([
    expect.objectContaining({
      run: 'run-1',
      beganToSetAside: true,
      setAside: expect.objectContaining({ path: inTest('data.pre-restore-run-1') }),
      madeDataDir: true,
    }),
  ]);
  expect(await lookForLeftOvers(host, { of: 'run-1' })).toEqual([
    expect.objectContaining({ path: inTest('data.pre-restore-run-1'), isOriginal: true }),
  ]);
});

it('puts the original back before it sets it aside, so that its own way back leads there', async () => {
  await loseARun();

  expect(await setAside(NEXT, 'run-1')).toBe(inTest('data.pre-restore-run-2'));

  expect(await contentOf('data.pre-restore-run-2')).toBe('original');
  expect(await contentOf('data.rolled-back-run-1')).toBe('half made');
  expect((await unfinishedNotes(inTest('state'))).map(({ run }) => run)).toEqual(['run-2']);
  await writeFile(inTest('data', 'vault.db'), 'new');
  expect(await putBack(NEXT, 'run-1')).toBe('put back');
  expect(await contentOf('data')).toBe('original');
  expect(await contentOf('data.rolled-back-run-2')).toBe('new');
  expect(await unfinishedNotes(inTest('state'))).toEqual([]);
});

it('without its own setting aside a roll-back leads past the lost run as well', async () => {
  await loseARun();

  expect(await putBack(NEXT, 'run-1')).toBe('put back');

  expect(await contentOf('data')).toBe('original');
  expect(await beside()).toEqual(['data', 'data.rolled-back-run-1']);
  expect(await putBack(NEXT, 'run-1')).toBe('put back');
  expect(await contentOf('data')).toBe('original');
});

it.each<[string, () => Promise<unknown>]>([
  ['before it began', async () => undefined],
  ['between the two renames of putting back', () => rename(inTest('data'), inTest('data.rolled-back-run-1'))],
  [
    'with the original in its place, and the note of the lost run still there',
    async () => {
      await putBack(NEXT, 'run-1');
      await noteUnfinished(inTest('state'), LOST);
    },
  ],
  [
    'with its own note, and nothing renamed',
    async () => {
      await putBack(NEXT, 'run-1');
      await noteUnfinished(inTest('state'), NEXT);
    },
  ],
  ['when all was done, and nobody was notified', () => setAside(NEXT, 'run-1')],
])('killed %s and run again it comes to the same', async (_when, killed) => {
  await loseARun();
  await killed();

  expect(await setAside(NEXT, 'run-1')).toBe(inTest('data.pre-restore-run-2'));

  expect(await contentOf('data.pre-restore-run-2')).toBe('original');
  expect(await contentOf('data.rolled-back-run-1')).toBe('half made');
  expect(await contentOf('data')).toBeNull();
  expect((await unfinishedNotes(inTest('state'))).map(({ run }) => run)).toEqual(['run-2']);
});

it('a lost run that was killed before its rename has nothing to put back, and is forgotten', async () => {
  await noteUnfinished(inTest('state'), LOST);
  await claimNode(inTest('state'), 'vault-1', NEXT);

  expect(await unfinished()).toEqual([
    expect.objectContaining({ run: 'run-1', setAside: null, madeDataDir: false, beganToSetAside: true }),
  ]);
  await setAside(NEXT);

  expect(await contentOf('data.pre-restore-run-2')).toBe('original');
  expect((await unfinishedNotes(inTest('state'))).map(({ run }) => run)).toEqual(['run-2']);
});

it('does not put anything back over what somebody else has put there meanwhile', async () => {
  await loseARun();
  await rm(inTest('data'), { recursive: true });
  await cp(inTest('data.pre-restore-run-1'), inTest('data'), { recursive: true });
  await writeFile(inTest('data', 'vault.db'), 'by hand');

  await expect(setAside(NEXT, 'run-1')).rejects.toMatchObject({ code: 'NodeUnsafe' });

  expect(await contentOf('data')).toBe('by hand');
  expect(await contentOf('data.pre-restore-run-1')).toBe('original');
});

it('a rebuild leaves no such note: what it sets aside may be what was broken', async () => {
  await setAside(LOST, undefined, 'rebuildNode');

  expect(await unfinishedNotes(inTest('state'))).toEqual([]);
});

describe('a run that was lost between two renames of what can not be renamed as a whole', () => {
  const link = () => inTest('data');

  /** As an agent leaves it that dies after the first of them. */
  async function loseItHalfway(): Promise<void> {
    await rename(inTest('data'), inTest('volume'));
    await symlink(inTest('volume'), link());
    await writeFile(inTest('volume', 'node-id'), 'id');
    await noteUnfinished(inTest('state'), LOST);
    const aside = inTest('volume', '.pre-restore-run-1');
    await mkdir(aside);
    await writeFile(`${aside}/.vault-dr-entries`, '["vault.db","node-id"]');
    await writeFile(`${aside}/.vault-dr-set-aside`, 'Set aside by restore run run-1 at 2026-11-23T04:00:00.000Z\n');
    await rename(inTest('volume', 'vault.db'), `${aside}/vault.db`);
    await claimNode(inTest('state'), 'vault-1', NEXT);
  }

  it('is reported as half done, and nothing is set aside over it', async () => {
    await loseItHalfway();

    expect(await unfinished()).toEqual([
      expect.objectContaining({ run: 'run-1', isHalfMoved: true, madeDataDir: false, beganToSetAside: true }),
    ]);
    const input = { claim: NEXT, how: 'rename', otherCluster: true, layout: 'inside' } as const;
    await expect(as(NEXT, () => setAsideData(host, input))).rejects.toMatchObject({
      code: 'NodeUnsafe',
      advice: expect.stringContaining('vault-dr roll-back --of run-1') as string,
    });
    expect((await readdir(inTest('volume'))).toSorted()).toEqual(['.pre-restore-run-1', 'node-id']);
  });

  it('is brought together by the next one, which sets all of it aside', async () => {
    await loseItHalfway();
    const input = { claim: NEXT, how: 'rename', otherCluster: true, layout: 'inside', lost: 'run-1' } as const;

    const aside = await as(NEXT, () => setAsideData(host, input));

    expect(aside).toBe(inTest('volume', '.pre-restore-run-2'));
    expect(await contentOf('volume/.pre-restore-run-2')).toBe('original');
    expect(await readdir(inTest('volume', '.pre-restore-run-2'))).toContain('node-id');
    expect(await unfinishedNotes(inTest('state'))).toMatchObject([{ run: 'run-2' }]);
  });
});
