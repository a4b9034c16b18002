import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { checkHeads, publishHead, readHeads } from '../../../src/audit/audit-heads';
import { appendRecord, verifyTrail } from '../../../src/audit/audit-trail';
import { DirectoryRepository } from '../../../src/repository/directory';
import { listGenerations } from '../../../src/repository/generations';
import { fromBytes } from '../../../src/repository/types';
import { digestOf } from '../../../src/repository/digest';
import { signingPair } from '../../support/generation';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const trail = () => inTest('audit.jsonl');
const repository = () => new DirectoryRepository('local', inTest('repository'));

beforeEach(() => mkdir(inTest('repository')));

async function append(...ids: string[]): Promise<void> {
  for (const id of ids) {
    await appendRecord(trail(), {
      id,
      at: '2026-11-23T04:00:00.000Z',
      actor: 'ada',
      action: 'backup',
      cluster: 'prod',
      run: 'r',
      outcome: 'success',
      details: {},
    });
  }
}

async function evaluate() {
  return checkHeads(await verifyTrail(trail()), (await readHeads(repository(), 'prod')).heads);
}

it('keeps heads that a trail which only grew agrees with', async () => {
  await append('one');
  const first = await publishHead(trail(), repository(), 'prod');
  await append('two', 'three');
  const second = await publishHead(trail(), repository(), 'prod');
  await append('four');

  expect(first).toMatch(/^prod\/audit\/20261123T040000Z-1-[0-9a-f]{8}\.json$/);
  expect(second).toMatch(/^prod\/audit\/20261123T040000Z-3-[0-9a-f]{8}\.json$/);
  expect(await evaluate()).toEqual({ matching: 2, problems: [] });
});

it('adds nothing when it is repeated, and nothing for an empty trail', async () => {
  expect(await publishHead(trail(), repository(), 'prod')).toBeNull();
  await append('one');

  const keys = [await publishHead(trail(), repository(), 'prod'), await publishHead(trail(), repository(), 'prod')];

  expect(new Set(keys).size).toBe(1);
  expect((await readHeads(repository(), 'prod')).heads).toHaveLength(1);
});

it('shows that lines were cut off the end, which the chain alone can not', async () => {
  await append('one', 'two', 'three');
  await publishHead(trail(), repository(), 'prod');
  const lines = (await readFile(trail(), 'utf8')).split('\n');
  await writeFile(trail(), `${lines.slice(0, 2).join('\n')}\n`);

  expect((await verifyTrail(trail())).problems).toEqual([]);
  expect(await evaluate()).toEqual({
    matching: 0,
    problems: ['line 3, which was the last one at 2026-11-23T04:00:00.000Z, is gone since'],
  });
});

it('shows that the end was cut off and written again', async () => {
  await append('one', 'two', 'three');
  await publishHead(trail(), repository(), 'prod');
  const [one = ''] = (await readFile(trail(), 'utf8')).split('\n');
  await writeFile(trail(), `${one}\n`);
  await append('forged', 'more', 'and more');

  expect((await verifyTrail(trail())).problems).toEqual([]);
  expect((await evaluate()).problems).toEqual([expect.stringContaining('line 3, which was the last one at')]);
  expect((await evaluate()).problems).toEqual([expect.stringContaining('was rewritten since')]);
});

it('shows that the whole trail was exchanged on this host, and leaves those of other hosts alone', async () => {
  await append('one');
  await publishHead(trail(), repository(), 'prod');
  await writeFile(trail(), '');
  await append('forged');
  const { heads } = await readHeads(repository(), 'prod');
  const report = await verifyTrail(trail());

  expect(checkHeads(report, heads).problems).toEqual([expect.stringContaining('not the one that was begun')]);
  expect(checkHeads(report, heads, { host: 'another-host' })).toEqual({ matching: 0, problems: [] });
});

it('names what else lies among the heads, and reads the others nevertheless', async () => {
  await append('one');
  await publishHead(trail(), repository(), 'prod');
  for (const [name, size] of Object.entries({ '0.json': 2, 'x.json': 5000 })) {
    const bytes = Buffer.alloc(size, '{}');
    await repository().put(`prod/audit/${name}`, fromBytes(bytes), digestOf(bytes));
  }
  await writeFile(inTest('repository', 'prod', 'audit', 'a b'), '');

  const { heads, problems } = await readHeads(repository(), 'prod');

  expect(heads).toEqual([expect.objectContaining({ seq: 1 })]);
  expect(problems).toEqual([
    'local: prod/audit/0.json is not the head of an audit trail: find out who wrote it.',
    "local: 'prod/audit/a b' is not a valid key in a repository.",
    expect.stringContaining('prod/audit/x.json in local is larger than'),
  ]);
});

it('is not read where the repository does not answer', async () => {
  await rmdir(inTest('repository'));

  await expect(readHeads(repository(), 'prod')).rejects.toMatchObject({ code: 'RepositoryUnavailable' });
});

it('is no generation', async () => {
  await append('one');
  await publishHead(trail(), repository(), 'prod');

  expect(await listGenerations(repository(), 'prod', signingPair().publicKeyPem)).toEqual({
    copies: [],
    unreadable: [],
  });
});
