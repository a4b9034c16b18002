import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { chown, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import {
  blankDataDirectory,
  describeDataDirectory,
  removeDiscarded,
  setAsideDataDirectory,
} from '../../../../src/host/data/data-directory';
import {
  copyAside,
  deleteDataDirectory,
  listLeftOvers,
  putBackDataDirectory,
  removeLeftOvers,
} from '../../../../src/host/data/set-aside';
import { layoutOf, setAsideProblem } from '../../../../src/host/data/rights';
import { AttemptGate, type Attempt } from '../../../../src/host/run/attempt';
import { SafeDirectory } from '../../../../src/files/safe-directory';
import { describeAsRoot } from '../../../support/describe-if';
import { useDirectory } from '../../../support/temporary';

const RUN = '019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071';
const EARLIER = '019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6070';
const ASIDE = `.pre-restore-${RUN}`;
const ROLLED_BACK = `.rolled-back-${RUN}`;
const current: Attempt = { signal: new AbortController().signal, assertCurrent: () => undefined };

const inTest = useDirectory();
/** Configured as a link, so that it is set aside inside wherever the tests run. */
const link = () => inTest('link');
const data = (...names: string[]) => inTest('volume', ...names);

beforeEach(async () => {
  await mkdir(data());
  await symlink(data(), link());
});

const setAside = (attempt = current) => setAsideDataDirectory(link(), RUN, attempt, 'inside');
const putBack = (attempt = current) => putBackDataDirectory(link(), RUN, attempt);

function fill(content: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(content)) {
    const file = name === 'raft' || name === 'lost+found' ? data(name, 'file') : data(name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, text);
  }
}

/** By name, what is in a directory; in a directory in it the one file counts. Our own directories are left out, and notes that were never finished. */
function contentOf(directory: string): Record<string, string> {
  if (!existsSync(directory)) return {};
  const names = readdirSync(directory).filter(
    (name) => !/^\.(pre-restore|rolled-back|discarded|blank|copy)-|\.tmp$/.test(name),
  );
  return Object.fromEntries(
    names.map((name) => {
      const path = join(directory, name);
      return [name, readFileSync(statSync(path).isDirectory() ? join(path, 'file') : path, 'utf8')];
    }),
  );
}

const withoutNotes = (content: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(content).filter(([name]) => name !== '.vault-dr-set-aside' && name !== '.vault-dr-entries'),
  );
const aside = () => withoutNotes(contentOf(data(ASIDE)));

const ORIGINAL = { 'vault.db': 'old', raft: 'old log', 'node-id': 'old id', '.vault-dr-run': `${EARLIER}\n` };
const OF_VOLUME = { 'lost+found': 'found', 'aquota.user': 'quota' };

test('what is in the directory goes into one of the run, and what belongs to the file system stays', async () => {
  fill({ ...ORIGINAL, ...OF_VOLUME });

  expect(await setAside()).toBe(data(ASIDE));

  expect(aside()).toEqual(ORIGINAL);
  expect(contentOf(data())).toEqual({ ...OF_VOLUME, '.vault-dr-run': `${RUN}\n` });
  expect(await setAside()).toBe(data(ASIDE));
  expect(await describeDataDirectory(link())).toMatchObject({
    leadsTo: data(),
    layout: 'inside',
    empty: true,
    sizeBytes: RUN.length + 1,
    madeByRun: RUN,
  });
});

test('what was set aside goes back, and what the run made is kept until somebody removes it', async () => {
  fill({ ...ORIGINAL, ...OF_VOLUME });
  await setAside();
  fill({ 'vault.db': 'new', raft: 'new log' });

  expect(await putBack()).toBe('put back');

  expect(contentOf(data())).toEqual({ ...ORIGINAL, ...OF_VOLUME });
  expect(contentOf(data(ROLLED_BACK))).toEqual({ 'vault.db': 'new', raft: 'new log', '.vault-dr-run': `${RUN}\n` });
  expect(await putBack()).toBe('put back');
  expect(await listLeftOvers(link(), RUN)).toEqual([
    { path: data(ROLLED_BACK), sizeBytes: expect.any(Number) as number, setAsideAt: null },
  ]);
  await removeLeftOvers(link(), RUN, current);
  expect(readdirSync(data()).toSorted()).toEqual(Object.keys({ ...ORIGINAL, ...OF_VOLUME }).toSorted());
});

test('an empty volume has nothing to set aside, and what the run made of it can be rolled back', async () => {
  fill(OF_VOLUME);

  expect(await setAside()).toBeNull();
  fill({ 'vault.db': 'new' });

  expect(await putBack()).toBe('held nothing');
  expect(contentOf(data())).toEqual({ ...OF_VOLUME, '.vault-dr-run': `${RUN}\n` });
  expect(contentOf(data(ROLLED_BACK))).toMatchObject({ 'vault.db': 'new' });
  expect(await putBack()).toBe('held nothing');
});

test('a node that the run had not got to is left alone', async () => {
  fill(ORIGINAL);

  expect(await putBack()).toBe('untouched');
  expect(contentOf(data())).toEqual(ORIGINAL);
});

test('what a run made is emptied, and nothing else', async () => {
  fill({ ...ORIGINAL, ...OF_VOLUME });
  await setAside();
  fill({ 'vault.db': 'new', raft: 'new log' });

  await blankDataDirectory(link(), RUN, current);

  expect(contentOf(data())).toEqual({ ...OF_VOLUME, '.vault-dr-run': `${RUN}\n` });
  expect(aside()).toEqual(ORIGINAL);
  expect(readdirSync(data()).filter((name) => name.startsWith('.discarded'))).toEqual([]);
});

test('data that another one made is not emptied', async () => {
  fill(ORIGINAL);

  await expect(blankDataDirectory(link(), RUN, current)).rejects.toMatchObject({ code: 'NodeUnsafe' });
  expect(contentOf(data())).toEqual(ORIGINAL);
});

test('data is deleted where the plan says so, but for what belongs to the file system', async () => {
  fill({ ...ORIGINAL, ...OF_VOLUME });

  await deleteDataDirectory(link(), RUN, current, 'inside');
  await removeDiscarded(link(), RUN, current);

  expect(contentOf(data())).toEqual({ ...OF_VOLUME, '.vault-dr-run': `${RUN}\n` });
  expect(readdirSync(data()).toSorted()).toEqual(['.vault-dr-run', 'aquota.user', 'lost+found']);
});

test('a copy for the recovery of a quorum lies inside, without what was set aside before, and goes back', async () => {
  fill({ ...ORIGINAL, ...OF_VOLUME });
  mkdirSync(data(`.pre-restore-${EARLIER}`));

  expect(await copyAside(link(), RUN, current)).toBe(data(ASIDE));
  expect(aside()).toEqual(ORIGINAL);
  expect(existsSync(data(ASIDE, `.pre-restore-${EARLIER}`))).toBe(false);
  fill({ 'vault.db': 'changed' });

  expect(await putBack()).toBe('put back');
  expect(contentOf(data())).toEqual({ ...ORIGINAL, ...OF_VOLUME });
  expect(contentOf(data(ROLLED_BACK))).toMatchObject({ 'vault.db': 'changed' });
});

test('an attempt that was overtaken does nothing more', async () => {
  fill(ORIGINAL);
  const gate = new AttemptGate('vault-1');
  const old = gate.begin(new AbortController().signal);
  gate.begin(new AbortController().signal);

  await expect(setAside(old)).rejects.toMatchObject({ code: 'NodeFenced' });

  expect(contentOf(data())).toEqual(ORIGINAL);
  expect(existsSync(data(ASIDE))).toBe(false);
});

test('a plan for a rename moves nothing out of a link', async () => {
  fill(ORIGINAL);

  await expect(setAsideDataDirectory(link(), RUN, current)).rejects.toMatchObject({ code: 'NodeUnsafe' });
  expect(contentOf(data())).toEqual(ORIGINAL);
});

describe('whenever it is killed', () => {
  class Killed extends Error {}
  const EFFECTS = ['rename', 'put', 'makeDirectory', 'unlink', 'removeDirectory'] as const;
  let left = Infinity;

  beforeEach(() => {
    for (const effect of EFFECTS) {
      const original = Object.getOwnPropertyDescriptor(SafeDirectory.prototype, effect)?.value as (
        ...args: unknown[]
      ) => unknown;
      jest.spyOn(SafeDirectory.prototype, effect).mockImplementation(function (
        this: SafeDirectory,
        ...args: unknown[]
      ) {
        if (left-- <= 0) throw new Killed();
        return original.apply(this, args) as never;
      });
    }
  });
  afterEach(() => {
    left = Infinity;
    jest.restoreAllMocks();
  });

  /** @returns whether it ended before it was killed */
  async function killedAfter(effects: number, work: () => Promise<unknown>): Promise<boolean> {
    left = effects;
    try {
      await work();
      return true;
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      return false;
    } finally {
      left = Infinity;
    }
  }

  /** Each part of the original data is there once, and it is the original; nothing is where it doesn't belong. */
  function expectNothingLostOrMixed(
    original: Readonly<Record<string, string>>,
    made: Record<string, string> = {},
  ): void {
    const [here, there] = [contentOf(data()), aside()];
    for (const [name, text] of Object.entries(original)) {
      const places = [here[name] === text, there[name] === text].filter(Boolean);
      if (places.length !== 1) throw new Error(`${name} is there ${places.length} times`);
    }
    expect(Object.keys(there).filter((name) => !(name in original))).toEqual([]);
    const kept = contentOf(data(ROLLED_BACK));
    for (const [name, text] of Object.entries(made)) {
      if (here[name] !== text && kept[name] !== text) throw new Error(`${name} of the run is lost`);
    }
    expect(here).toMatchObject(OF_VOLUME);
  }

  function expectSetAside(original: Readonly<Record<string, string>>): void {
    expect(aside()).toEqual(original);
    expect(contentOf(data())).toEqual({ ...OF_VOLUME, '.vault-dr-run': `${RUN}\n` });
  }

  const originals = fc
    .subarray(Object.entries(ORIGINAL), { minLength: 1 })
    .map((entries) => Object.fromEntries(entries));
  const kills = fc.array(fc.nat({ max: 16 }), { maxLength: 6 });
  const MADE = { 'vault.db': 'new', raft: 'new log', '.vault-dr-install': 'new note' };

  test('the original is whole after the next attempt, in whichever direction', async () => {
    await fc.assert(
      fc.asyncProperty(originals, kills, kills, fc.boolean(), async (original, before, after, goesBackAtOnce) => {
        rmSync(data(), { recursive: true });
        fill({ ...original, ...OF_VOLUME });
        for (const effects of before) {
          if (!(await killedAfter(effects, setAside))) expectNothingLostOrMixed(original);
        }
        const made = goesBackAtOnce ? {} : MADE;
        if (!goesBackAtOnce) {
          await setAside();
          expectSetAside(original);
          fill(made);
        }
        for (const effects of after) {
          if (!(await killedAfter(effects, putBack))) expectNothingLostOrMixed(original, made);
        }
        await putBack();
        expect(contentOf(data())).toEqual({ ...original, ...OF_VOLUME });
        expect(existsSync(data(ASIDE))).toBe(false);
        expect(contentOf(data(ROLLED_BACK))).toMatchObject(made);
        await removeDiscarded(link(), RUN, current);
        await removeLeftOvers(link(), RUN, current);
        const names = readdirSync(data()).filter((name) => !name.endsWith('.tmp'));
        expect(names.toSorted()).toEqual(Object.keys({ ...original, ...OF_VOLUME }).toSorted());
      }),
      { numRuns: 150 },
    );
  }, 60_000);

  test('a Vault that is started in the middle replaces nothing, and is named', async () => {
    let met = 0;
    for (let effects = 0; effects < 14; effects++) {
      rmSync(data(), { recursive: true });
      fill({ ...ORIGINAL, ...OF_VOLUME });
      if (await killedAfter(effects, setAside)) break;
      const before = contentOf(data());
      const started = Object.entries(MADE).filter(([name]) => !(name in before) && name !== '.vault-dr-install');
      fill(Object.fromEntries(started));
      if (started.length === 0) continue;
      met++;

      for (const act of [setAside, putBack]) {
        await expect(act()).rejects.toMatchObject({
          code: 'NodeUnsafe',
          advice: expect.stringContaining('by hand') as string,
        });
        expectNothingLostOrMixed(ORIGINAL);
      }
      for (const [name] of started) rmSync(data(name), { recursive: true });
      await setAside();
      expect(aside()).toEqual(ORIGINAL);
    }
    expect(met).toBeGreaterThan(2);
  }, 30_000);

  test('what appears in the middle and was never on the list is named, and taken for nobody’s', async () => {
    // Until the list is there, and the first entry is moved.
    for (let effects = 1; !existsSync(data(ASIDE, 'vault.db')); effects++) {
      rmSync(data(), { recursive: true });
      fill({ ...ORIGINAL, ...OF_VOLUME });
      await killedAfter(effects, setAside);
    }
    fill({ 'other.db': 'somebody’s' });

    for (const act of [setAside, putBack]) {
      await expect(act()).rejects.toMatchObject({
        code: 'NodeUnsafe',
        message: expect.stringContaining('it did not exist when this run began') as string,
      });
    }
    expectNothingLostOrMixed(ORIGINAL);
    rmSync(data('other.db'));
    await putBack();
    expect(contentOf(data())).toEqual({ ...ORIGINAL, ...OF_VOLUME });
  });

  test('a copy and its original are whole after the next attempt', async () => {
    await fc.assert(
      fc.asyncProperty(kills, kills, async (before, after) => {
        rmSync(data(), { recursive: true });
        fill({ ...ORIGINAL, ...OF_VOLUME });
        for (const effects of before) {
          await killedAfter(effects, () => copyAside(link(), RUN, current));
          expect(contentOf(data())).toMatchObject({ ...ORIGINAL, '.vault-dr-run': expect.any(String) as string });
        }
        await copyAside(link(), RUN, current);
        fill({ 'vault.db': 'changed' });
        for (const effects of after) await killedAfter(effects, putBack);
        await putBack();
        expect(contentOf(data())).toEqual({ ...ORIGINAL, ...OF_VOLUME });
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  test('what a run made is gone after the next attempt', async () => {
    for (let effects = 0; effects < 12; effects++) {
      rmSync(data(), { recursive: true });
      fill({ ...ORIGINAL, ...OF_VOLUME });
      await setAside();
      fill(MADE);
      await killedAfter(effects, () => blankDataDirectory(link(), RUN, current));
      expect(aside()).toEqual(ORIGINAL);
      await blankDataDirectory(link(), RUN, current);
      await removeDiscarded(link(), RUN, current);
      expect(contentOf(data())).toEqual({ ...OF_VOLUME, '.vault-dr-run': `${RUN}\n` });
    }
  }, 30_000);
});

describe('a link', () => {
  test('that leads nowhere is no empty directory', async () => {
    rmSync(data(), { recursive: true });

    await expect(describeDataDirectory(link())).rejects.toMatchObject({
      code: 'NodeUnsafe',
      message: expect.stringContaining('which does not exist') as string,
      advice: expect.stringContaining('If it is on a volume that is not mounted') as string,
    });
    expect(await setAsideProblem(link())).toContain('which does not exist');
  });

  describeAsRoot('as root', () => {
    const VAULT = 65534;

    test('in a directory of the user of Vault may lead to another one of his', async () => {
      await chown(data(), VAULT, VAULT);
      await chown(inTest(), VAULT, VAULT);
      fill(ORIGINAL);

      expect(await layoutOf(link())).toBe('inside');
      expect(await setAside()).toBe(data(ASIDE));
      expect([data(ASIDE), data('.vault-dr-run')].map((path) => statSync(path).uid)).toEqual([VAULT, VAULT]);
    });

    test('of another user leads root into nobody else’s directory', async () => {
      await mkdir(inTest('etc'));
      writeFileSync(inTest('etc', 'passwd'), 'root');
      await mkdir(inTest('of-vault'));
      symlinkSync(inTest('etc'), inTest('of-vault', 'data'));
      await chown(inTest('of-vault'), VAULT, VAULT);
      const hostile = inTest('of-vault', 'data');

      for (const act of [
        () => describeDataDirectory(hostile),
        () => setAsideDataDirectory(hostile, RUN, current, 'inside'),
        () => deleteDataDirectory(hostile, RUN, current, 'inside'),
        () => copyAside(hostile, RUN, current),
      ]) {
        await expect(act()).rejects.toMatchObject({ code: 'NodeUnsafe' });
      }
      expect(readdirSync(inTest('etc'))).toEqual(['passwd']);
    });
  });
});
