import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { wholeBackup } from '../support/backups';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy';
import { useLab } from '../support/lab';

interface Offsite {
  repositories: { offsite: { endpoint: string } };
}

/** The real bucket, with versions, Object Lock and a KMS key; the proxy only counts. */
describe('a small backup of one node, to a directory and to a bucket', () => {
  const lab = useLab({ nodes: 1 });
  let proxy: FaultProxy;

  beforeAll(async () => {
    const config = parse(await readFile(lab().configFile, 'utf8')) as Offsite;
    proxy = await startFaultProxy(config.repositories.offsite.endpoint);
    config.repositories.offsite.endpoint = proxy.endpoint;
    await writeFile(lab().configFile, stringify(config));
    await lab().controller.stop();
    await lab().controller.start();
  }, 60_000);
  afterAll(() => proxy?.stop());

  it('asks the bucket no more than it has to', async () => {
    await wholeBackup(lab());
    proxy.seen = [];

    await wholeBackup(lab());

    const asked = proxy.seen.map(kindOf);
    const count = (kind: string) => asked.filter((item) => item === kind).length;
    // Snapshot, configuration, sums, instructions, signature and manifest; lines and head of the audit trail.
    expect(count('write')).toBe(8);
    // Each of the six is read back; the lock of the other two is looked at.
    expect(count('read')).toBe(6);
    expect(count('head')).toBe(2);
    expect({ list: count('list'), asked }).toMatchObject({ list: MOST_LISTS });
    // Unfinished uploads were looked for by the first backup, and are once an hour.
    expect(asked).toHaveLength(8 + 6 + 2 + MOST_LISTS);
  }, 120_000);
});

/** For the backup before, before and after the write, what goes and what is lacking on either side, and the marks. */
const MOST_LISTS = 5;

function kindOf(line: string): 'list' | 'uploads' | 'read' | 'head' | 'write' | 'other' {
  const [method = '', url = ''] = line.split(' ');
  if (method === 'GET' && /[?&]versions/.test(url)) return 'list';
  if (method === 'GET' && /[?&]uploads/.test(url)) return 'uploads';
  if (method === 'GET') return 'read';
  if (method === 'HEAD') return 'head';
  return method === 'PUT' ? 'write' : 'other';
}
