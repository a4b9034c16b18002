import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { Controller } from '../../../../activities/controller/context';
import { auditFileOf, publishTrail } from '../../../../activities/controller/trail';
import { appendRecord } from '../../../../src/audit/audit-trail';
import { parseConfig } from '../../../../src/config/load';
import { DrError } from '../../../../src/contract/failures';
import { sampleConfig } from '../../../support/sample-config';
import { MemoryS3 } from '../../../support/memory-s3';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();

let store: MemoryS3;
let controller: Controller;
let opened: jest.SpyInstance;
beforeEach(async () => {
  store = await MemoryS3.start();
  await mkdir(inTest('state'), { mode: 0o700 });
  await writeFile(inTest('signing.pub'), '');
  const text = sampleConfig({ repositories: { offsite: '/replaced' }, publicKeyFile: inTest('signing.pub') });
  const config = parseConfig(`stateDir: ${inTest('state')}\n${text}`, 'vault-dr.yaml');
  controller = new Controller({ config });
  opened = jest.spyOn(controller, 'repositoryOf').mockImplementation(() => Promise.resolve(store.repository()));
});
afterEach(() => store.stop());

const write = (id: string) =>
  appendRecord(auditFileOf(controller), {
    id,
    at: '2026-11-27T04:00:00.000Z',
    actor: 'ada',
    action: 'backup',
    cluster: 'prod',
    run: 'r',
    outcome: 'success',
    details: {},
  });
const publish = () => publishTrail(controller, 'prod', 'offsite');
const copies = () => store.keys().filter((key) => key.startsWith('prod/trail/')).length;

it('is copied with one look when a process begins, and with none after that', async () => {
  await write('r/1');
  await publish();
  const first = store.counted();
  await publish();
  const unchanged = store.counted();
  await write('r/2');
  await publish();

  expect([first, unchanged, store.counted()]).toEqual([{ list: 1, put: 2, all: 3 }, { all: 0 }, { put: 2, all: 2 }]);
  expect(copies()).toBe(2);
  expect(await readdir(inTest('state'))).toContain('audit.jsonl');
});

it('is looked for again after an attempt that failed', async () => {
  await write('r/1');
  await publish();
  await write('r/2');
  const refused = new DrError('RepositoryUnavailable', 'the connection was cut');
  opened.mockRejectedValueOnce(refused);
  await expect(publish()).rejects.toBe(refused);
  store.counted();

  await publish();

  expect(store.counted()).toEqual({ list: 1, put: 2, all: 3 });
  expect(copies()).toBe(2);
});
