import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { publishHead, readHeads } from '../../../src/audit/audit-heads';
import { appendRecord, trailHead, verifyTrail } from '../../../src/audit/audit-trail';
import { checkOthers, linesOf, othersAmong } from '../../../src/audit/other-trails';
import { copyLines, readCopies } from '../../../src/audit/trail-copies';
import { DirectoryRepository } from '../../../src/repository/directory';
import { useDirectory } from '../../support/temporary';

/** Two controllers, `east` and `west`, each with a trail of its own, and the repository of the cluster `prod`. */
describe('trails of several controllers', () => {
  const inTest = useDirectory();
  const repository = () => new DirectoryRepository('local', inTest('repository'));
  const trailOf = (controller: string) => inTest(`${controller}.jsonl`);

  beforeEach(() => mkdir(inTest('repository')));

  async function write(
    controller: string,
    id: string,
    change: { cluster?: string; actor?: string } = {},
  ): Promise<void> {
    const at = '2026-11-27T04:00:00.000Z';
    const record = { id, at, actor: 'ada', action: 'restore.stop', cluster: 'prod', run: 'r', details: {} };
    await appendRecord(trailOf(controller), { ...record, outcome: 'info', ...change });
  }

  const copy = (controller: string) => copyLines(trailOf(controller), repository(), 'prod', controller);

  /** As `vault-dr audit verify` on the host of east. */
  async function verify() {
    const [copies, { heads }] = [await readCopies(repository(), 'prod'), await readHeads(repository(), 'prod')];
    const first = (await trailHead(trailOf('east')))?.trail;
    const foreign = othersAmong(copies, { first, name: 'east' });
    const own = await verifyTrail(trailOf('east'), foreign.flatMap(linesOf));
    return { own, others: checkOthers(foreign, heads, { first, lines: own.entries }) };
  }

  it('are read as one: what one of them has is missing in none', async () => {
    await write('east', 'r/1');
    await write('west', 'r/2');
    await write('east', 'r/3');
    await copy('west');

    const { own, others } = await verify();

    expect(own.findings.filter(({ text }) => text.includes('not there'))).toEqual([]);
    expect(others).toMatchObject([{ controller: 'west', records: 1, behind: 0, problems: [] }]);
  });

  it('are copied once, as they grow, also when a copy is repeated', async () => {
    await write('west', 'r/1');
    expect(await copy('west')).toBe(1);
    expect(await copy('west')).toBe(1);
    await write('west', 'r/2');
    expect(await copy('west')).toBe(2);

    const [trail = ''] = await readdir(inTest('repository', 'prod', 'trail'));
    expect(trail).toMatch(/^west\.[0-9a-f]{8}$/);
    expect(await readdir(inTest('repository', 'prod', 'trail', trail))).toHaveLength(2);
    expect((await verify()).others).toMatchObject([{ records: 2, problems: [] }]);
  });

  it('keep lines of another cluster out of its repositories, and the chain whole', async () => {
    await write('west', 'r/1');
    await write('west', 's/1', { cluster: 'staging', actor: 'secretive' });
    await write('west', 'r/2');
    await copy('west');

    const { others } = await verify();

    expect(others).toMatchObject([{ records: 3, problems: [] }]);
    expect(await stored()).not.toContain('secretive');
  });

  it('show a line that was changed in a repository', async () => {
    await write('west', 'r/1');
    await write('west', 'r/2');
    await copy('west');
    const [file = ''] = await files();
    await rm(file);
    await writeFile(file, (await readFile(trailOf('west'), 'utf8')).replace('"ada"', '"eve"'));

    expect((await verify()).others).toMatchObject([{ problems: ['line 2 does not follow the line before it'] }]);
  });

  it('show lines that are gone from a repository', async () => {
    for (const id of ['r/1', 'r/2', 'r/3']) {
      await write('west', id);
      await copy('west');
    }
    await rm((await files())[1] ?? '');

    expect((await verify()).others).toMatchObject([
      { records: 2, problems: ['1 line is missing, the first of them line 2'] },
    ]);
  });

  it('tell of a controller whose lines are on its own disk alone', async () => {
    await write('west', 'r/1');
    await write('west', 'r/2');
    await publishHead(trailOf('west'), repository(), 'prod', { controller: 'west' });

    expect((await verify()).others).toMatchObject([{ controller: 'west', records: 0, behind: 2, problems: [] }]);

    await copy('west');
    await write('west', 'r/3');
    await publishHead(trailOf('west'), repository(), 'prod', { controller: 'west' });
    expect((await verify()).others).toMatchObject([{ controller: 'west', records: 2, behind: 1, problems: [] }]);
  });

  it('find one id with two contents, and let a repeated record be', async () => {
    for (const controller of ['east', 'west']) await write(controller, 'r/1');
    await write('east', 'r/2');
    await write('west', 'r/2', { actor: 'eve' });
    await copy('west');

    const { own, others } = await verify();

    const incident = expect.objectContaining({
      line: 2,
      severity: 'incident',
      text: expect.stringContaining('has the id r/2, under which the trail of another controller has something else'),
    });
    expect(own.findings.filter(({ severity }) => severity === 'incident')).toEqual([incident]);
    expect(others[0]?.findings.filter(({ severity }) => severity === 'incident')).toEqual([incident]);
  });

  it('are not what somebody else puts there', async () => {
    await write('west', 'r/1');
    await copy('west');
    const [file = ''] = await files();
    await writeFile(`${file.slice(0, -'00000000.jsonl'.length)}ffffffff.jsonl`, 'junk');

    const [west] = (await verify()).others;
    expect(west?.problems).toEqual([expect.stringContaining('is no copy of an audit trail')]);
    expect(west?.records).toBe(1);
  });

  async function files(): Promise<string[]> {
    const root = inTest('repository', 'prod', 'trail');
    const found = await readdir(root, { recursive: true });
    return found
      .filter((name) => name.endsWith('.jsonl'))
      .map((name) => `${root}/${name}`)
      .toSorted();
  }

  async function stored(): Promise<string> {
    return (await Promise.all((await files()).map((file) => readFile(file, 'utf8')))).join('');
  }
});
