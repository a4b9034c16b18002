import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { appendFile, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startScript } from '../../support/script';
import { type AuditLine, type AuditRecord, witnessed } from '../../../src/audit/audit-record';
import { appendRecord, verifyTrail } from '../../../src/audit/audit-trail';
import { waitFor } from '../../../src/lab/processes';

let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'audit-'));
  file = join(directory, 'audit', 'trail.jsonl');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function record(id: string): AuditRecord {
  return {
    id,
    at: '2026-11-23T04:00:00.000Z',
    actor: 'ada',
    action: 'backup.published',
    cluster: 'prod',
    run: 'backup-prod/1',
    outcome: 'success',
    details: { generation: '20261123T040000Z-000000004711-0a1b2c3d' },
  };
}

const SENDER = { id: 'backup-prod', run: '1', type: 'backUpCluster' };

async function linesOf(path = file): Promise<string[]> {
  return (await readFile(path, 'utf8')).split('\n').slice(0, -1);
}

async function trailOf(count: number): Promise<void> {
  for (let n = 1; n <= count; n++) await appendRecord(file, record(`r${n}`));
}

describe('appendRecord', () => {
  it('chains each line to the one before, in a file for the owner only', async () => {
    await trailOf(3);

    const lines = await linesOf();
    const entries = lines.map((line) => JSON.parse(line) as AuditLine);
    expect(entries.map(({ seq, id }) => [seq, id])).toEqual([
      [1, 'r1'],
      [2, 'r2'],
      [3, 'r3'],
    ]);
    expect(entries[0]?.prev).toBeNull();
    expect(entries[2]?.prev).toBe(
      createHash('sha256')
        .update(lines[1] ?? '')
        .digest('hex'),
    );
    expect(entries[1]).toMatchObject(record('r2'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(file, '..'))).mode & 0o777).toBe(0o700);
  });

  it('adds nothing when an attempt is repeated', async () => {
    await trailOf(2);

    const again = witnessed({ ...record('1/x'), run: '1' }, SENDER, new Date('2026-11-23T04:00:01Z'));
    await appendRecord(file, again);
    const details = Object.fromEntries(Object.entries(again.details).toReversed());
    const outcomes = [
      await appendRecord(file, record('r1')),
      await appendRecord(file, { ...again, details, recordedAt: '2026-11-23T05:00:00.000Z' }),
    ];

    expect(outcomes).toEqual(['already-there', 'already-there']);
    expect(await linesOf()).toHaveLength(3);
  });

  it('keeps what comes under an id that is taken, once, as a conflict', async () => {
    await trailOf(2);
    const other = { ...record('r1'), actor: 'eve' };

    const outcomes = [await appendRecord(file, other), await appendRecord(file, other)];

    const { problems, findings } = await verifyTrail(file);
    const entries = (await linesOf()).map((line) => JSON.parse(line) as AuditLine);
    expect(outcomes).toEqual(['conflict', 'conflict']);
    expect(entries).toHaveLength(3);
    expect(entries[2]).toMatchObject({
      action: 'audit.conflict',
      outcome: 'failure',
      details: { id: 'r1', record: other },
    });
    expect(entries[2]?.details).toMatchObject({
      kept: expect.stringMatching(/^[0-9a-f]{64}$/),
      refused: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(problems).toEqual([]);
    expect(findings).toEqual([
      { line: 3, severity: 'incident', text: expect.stringContaining('came under an id that was taken (r1)') },
    ]);
  });

  it("has Temporal's word of who sent it, beside what a record says of itself", async () => {
    await appendRecord(file, witnessed(record('1/success'), SENDER, new Date('2026-11-23T04:00:02Z')));

    const [line] = (await linesOf()).map((text) => JSON.parse(text) as AuditLine);
    expect(line).toMatchObject({ ...record('1/success'), workflow: SENDER, recordedAt: '2026-11-23T04:00:02.000Z' });
  });

  it('keeps the chain with many writers at the same time', async () => {
    const writers = Array.from({ length: 24 }, (_, n) => appendRecord(file, record(`r${n % 16}`)));

    const outcomes = await Promise.all(writers);

    expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(16);
    expect(await verifyTrail(file)).toMatchObject({ records: 16, problems: [] });
  });

  it('keeps every record of several processes, though one of them is killed in between', async () => {
    const append = (who: string, count: number) =>
      startScript(`
        const { appendRecord } = load('audit/audit-trail');
        const record = ${JSON.stringify(record(''))};
        for (let n = 1; n <= ${count}; n++) await appendRecord(${JSON.stringify(file)}, { ...record, id: '${who}' + n });
        console.log('done');
      `);
    const writers = [append('a', 25), append('b', 25)];
    const victim = append('c', 10_000);
    await waitFor('the victim has begun', async () => (await linesOf()).some((line) => line.includes('"id":"c1"')), {
      timeoutMs: 20_000,
      everyMs: 20,
    });

    await victim.kill();
    await Promise.all(writers.map((writer) => writer.line()));

    const ids = (await linesOf()).map((line) => (JSON.parse(line) as AuditLine).id);
    expect((await verifyTrail(file)).problems).toEqual([]);
    for (const who of ['a', 'b']) {
      expect(ids.filter((id) => id.startsWith(who))).toEqual(Array.from({ length: 25 }, (_, n) => `${who}${n + 1}`));
    }
    expect(ids.filter((id) => id.startsWith('c')).length).toBeGreaterThan(0);
  });

  it('waits for another process, and continues at once when that one is killed', async () => {
    await trailOf(1);
    const holder = spawn('flock', ['-x', file, 'sh', '-c', 'echo locked; exec sleep 600'], { detached: true });
    await once(holder.stdout, 'data');
    let done = false;
    const append = appendRecord(file, record('r2')).then(() => (done = true));
    await new Promise((resolve) => setTimeout(resolve, 300));
    const whileHeld = done;

    process.kill(-(holder.pid ?? 0), 'SIGKILL');
    await append;

    expect(whileHeld).toBe(false);
    expect(await verifyTrail(file)).toMatchObject({ records: 2, problems: [] });
  });

  it('sets a half-written line aside, names it in the chain, and continues', async () => {
    await trailOf(2);
    const torn = (await readFile(file, 'utf8')).split('\n')[1]?.slice(0, 40) ?? '';
    await appendFile(file, torn);

    await appendRecord(file, record('r3'));

    const evidence = (await readdir(join(file, '..'))).filter((name) => name.startsWith('trail.jsonl.torn-'));
    expect(evidence).toHaveLength(1);
    expect(await readFile(join(file, '..', evidence[0] ?? ''), 'utf8')).toBe(torn);
    const entries = (await linesOf()).map((line) => JSON.parse(line) as AuditLine);
    expect(entries.map(({ action }) => action)).toEqual([
      'backup.published',
      'backup.published',
      'audit.setAside',
      'backup.published',
    ]);
    expect(entries[2]?.details).toMatchObject({ file: evidence[0], bytes: 40 });
    expect(await verifyTrail(file)).toMatchObject({ records: 4, problems: [] });
  });

  it('writes a record again that a crash cut off', async () => {
    await trailOf(2);
    const handle = await open(file, 'r+');
    await handle.truncate((await handle.stat()).size - 1);
    await handle.close();

    const outcome = await appendRecord(file, record('r2'));

    expect(outcome).toBe('written');
    expect(await verifyTrail(file)).toMatchObject({ records: 3, problems: [] });
  });

  it('leaves the file as it was when the disk is full, and says so', async () => {
    await trailOf(2);
    const before = await readFile(file, 'utf8');
    // A full disk can't be made without the right to mount one: the sync of the real file fails as on one.
    const handle = await open(file);
    const sync = jest.spyOn(Object.getPrototypeOf(handle) as typeof handle, 'sync');
    await handle.close();
    sync.mockRejectedValueOnce(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC', syscall: 'fsync' }));

    const append = appendRecord(file, record('r3'));

    await expect(append).rejects.toMatchObject({ code: 'DiskFull', retryable: true });
    expect(await readFile(file, 'utf8')).toBe(before);
    sync.mockRestore();
    expect(await appendRecord(file, record('r3'))).toBe('written');
  });

  it('says so when the place is none', async () => {
    await writeFile(join(directory, 'occupied'), '');

    await expect(appendRecord(join(directory, 'occupied', 'trail.jsonl'), record('r1'))).rejects.toMatchObject({
      code: 'Internal',
    });
  });
});

describe('verifyTrail', () => {
  it('takes a file that is not there as an empty trail', async () => {
    expect(await verifyTrail(file)).toEqual({
      records: 0,
      head: null,
      hashes: [],
      problems: [],
      findings: [],
      entries: [],
    });
  });

  it('answers with the hash of the last line, which shows later that lines were cut off', async () => {
    await trailOf(3);
    const { head } = await verifyTrail(file);
    await writeFile(file, `${(await linesOf()).slice(0, 2).join('\n')}\n`);

    const report = await verifyTrail(file);

    expect(report.problems).toEqual([]);
    expect(report.head).not.toBe(head);
  });

  const manipulations: [string, (lines: string[]) => string[], number][] = [
    ['changed', (lines) => lines.with(1, lines[1]?.replace('ada', 'eve') ?? ''), 3],
    ['removed', (lines) => lines.toSpliced(1, 1), 2],
    ['moved', (lines) => lines.with(1, lines[2] ?? '').with(2, lines[1] ?? ''), 2],
    ['inserted', (lines) => lines.toSpliced(2, 0, lines[1] ?? ''), 3],
    ['replaced by something else', (lines) => lines.with(1, 'null'), 2],
  ];

  it.each(manipulations)('finds a line that was %s', async (_how, manipulate, at) => {
    await trailOf(4);
    await writeFile(file, `${manipulate(await linesOf()).join('\n')}\n`);

    const { problems } = await verifyTrail(file);

    expect(problems[0]?.line).toBe(at);
  });

  it('finds a half-written last line', async () => {
    await trailOf(1);
    await appendFile(file, '{"seq":2');

    expect(await verifyTrail(file)).toMatchObject({ records: 1, problems: [{ line: 2, problem: 'is half written' }] });
  });
});
