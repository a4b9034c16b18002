import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { program } from '../../../src/cli/commands';
import { type DocumentName, DOCUMENTS, DOCUMENTS_OF } from '../../../src/cli/documents';
import { failureDocument, failureOf } from '../../../src/cli/errors';
import { schemaText } from '../../../src/cli/schemas';
import { flattened, treeOf } from '../../../src/cli/tree';
import { DrError, type FailureCode, FAILURES } from '../../../src/contract/failures';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { checkDocument } from '../../support/cli-documents';
import { progressWith } from '../../support/run-samples';
import { readMarkdown } from '../../support/markdown';

const NAMES = Object.keys(DOCUMENTS) as DocumentName[];
const DIRECTORY = join(PROJECT_ROOT, 'schemas/cli');

test.each(NAMES)('the published schema of %s is that of the source', async (name) => {
  expect(await readFile(join(DIRECTORY, `${name}.schema.json`), 'utf8')).toBe(schemaText(name));
});

test('no other schema is published, and none forbids what a later version adds', async () => {
  expect((await readdir(DIRECTORY)).toSorted()).toEqual(NAMES.map((name) => `${name}.schema.json`).toSorted());
  for (const name of NAMES) expect(schemaText(name)).not.toContain('"additionalProperties": false');
});

test('each command with --json has documents, and each document a command', () => {
  const commands = flattened(treeOf(program()))
    .filter(({ options }) => options.some(({ names }) => names.includes('--json')))
    .map(({ path }) => path.slice(1).join(' '));
  const used = new Set([...Object.values(DOCUMENTS_OF).flat(), 'error']);

  expect(Object.keys(DOCUMENTS_OF).toSorted()).toEqual(commands.toSorted());
  expect([...used].toSorted()).toEqual(NAMES.toSorted());
});

test('docs/json.md has a row for each document, with the commands that print it', async () => {
  const { sections } = await readMarkdown(join(PROJECT_ROOT, 'docs/json.md'));
  const rows = sections.find(({ heading }) => heading === 'Documents')?.rows ?? [];

  expect(rows.map(([name = '']) => name.replaceAll('`', '')).toSorted()).toEqual(NAMES.toSorted());
});

test.each(Object.keys(FAILURES) as FailureCode[])('an error of code %s is a document', (code) => {
  const document = failureDocument(failureOf(new DrError(code, 'why', { where: 'vault-1', advice: 'Do it.' }))!);

  expect(() => checkDocument(['status', '--json'], JSON.stringify(document))).not.toThrow();
});

test('a document with a field too many, or one too few, is found', () => {
  const check = (value: object) => () => checkDocument(['approve', '--json'], JSON.stringify(value));

  expect(check({ accepted: true, notice: null, message: 'Approved.' })).not.toThrow();
  expect(check({ accepted: true, notice: null })).toThrow('message');
  expect(check({ accepted: true, notice: null, message: 'Approved.', more: 1 })).toThrow('more');
});

test('the progress of a run that copies a node says what came of the copy', () => {
  const failed = { code: 'DiskFull', problem: 'The disk is full.', advice: 'Free some space.' };
  const run = progressWith({ method: 'copy', planHash: null, copied: { failed } });
  const progress = { execution: 'RUNNING', ...run, pending: [], notices: [] };

  expect(() => checkDocument(['status', '--json'], JSON.stringify(progress))).not.toThrow();
});
