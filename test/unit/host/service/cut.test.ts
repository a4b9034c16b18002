import { networkInterfaces } from 'node:os';
import { addressRange } from '../../../../src/config/settings/values';
import { cutOf } from '../../../../src/host/service/cut';
import { UnitFence } from '../../../../src/host/service/unit-fence';
import { readFile } from 'node:fs/promises';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const node = (name: string, ip: string) => ({
  name,
  address: `https://${ip}:8200`,
  clusterAddress: `${ip}:8201`,
});
const cluster = (quietReach: string[]) =>
  ({
    nodes: [node('vault-1', '127.0.0.1'), node('vault-2', '198.51.100.2'), node('vault-3', '198.51.100.3')],
    restore: { quietReach },
  }) as unknown as Parameters<typeof cutOf>[0];

test('what is open is no target, all other nodes are', async () => {
  const { reach, targets } = await cutOf(cluster(['198.51.100.3/32', '2001:db8::/32']), {
    targets: ['203.0.113.9:5432', '[2001:db8::7]:443'],
  });

  const hosts = targets.map(({ host, port }) => `${host} ${port}`);
  expect(reach).toEqual(expect.arrayContaining(['198.51.100.3/32', '2001:db8::/32']));
  expect(hosts).toEqual(expect.arrayContaining(['198.51.100.2 8200', '198.51.100.2 8201', '203.0.113.9 5432']));
  expect(hosts.join()).not.toMatch(/198\.51\.100\.3|127\.0\.0\.1|2001:db8/);
});

test('the host itself is open, by each of its addresses', async () => {
  const own = Object.values(networkInterfaces())
    .flatMap((addresses = []) => addresses)
    .filter(({ internal, scopeid }) => !internal && !scopeid);

  const { reach } = await cutOf(cluster([]));

  expect(reach).toEqual(expect.arrayContaining(own.map(({ address }) => address)));
});

test('the drop-in closes all but that, proves it at each start, and says whose it is and how to remove it', async () => {
  const fence = new UnitFence(inTest());
  const cut = { reach: ['10.0.0.1'], targets: [{ host: '198.51.100.2', port: 8_200 }] };

  expect(await fence.place('vault.service', 'run-1', cut)).toBe(true);
  expect(await fence.place('vault.service', 'run-1', cut)).toBe(false);
  expect(await fence.place('vault.service', 'run-2', cut)).toBe(true);

  const text = await readFile(inTest('vault.service.d/zz-quiet-by-vault-dr.conf'), 'utf8');
  expect(text).toContain('\nIPAddressAllow=127.0.0.0/9 ::1 10.0.0.1\nIPAddressDeny=any\n');
  expect(text).toMatch(/\nExecStartPre=\+\S+ \S+fence-probe\.js 198\.51\.100\.2 8200\n/);
  expect(text).toContain('systemctl daemon-reload');
  expect(await fence.heldBy('vault.service')).toBe('run-2');
});

test.each([
  ['10.0.0.9', true],
  ['10.0.0.0/24', true],
  ['2001:db8::/32', true],
  ['::1', true],
  ['10.0.0.0/33', false],
  ['2001:db8::/129', false],
  ['kms.example.com', false],
  ['10.0.0.9 0.0.0.0/0', false],
  ['any', false],
  ['', false],
])('%s as an address that stays open: %s', (text, isTaken) => {
  expect(addressRange.safeParse(text).success).toBe(isTaken);
});
