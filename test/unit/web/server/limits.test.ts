import { web } from '../../../../src/config/settings/web';
import { allowedHosts, originOf } from '../../../../src/web/server/hosts';
import { clientOf, RateLimit } from '../../../../src/web/server/rate-limit';

describe('a rate limit', () => {
  it('lets a client go ahead again as time passes, and does not mix clients up', () => {
    const limit = new RateLimit(1, 2);
    expect([limit.takes('a', 0), limit.takes('a', 0), limit.takes('a', 0), limit.takes('b', 0)]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    expect([limit.takes('a', 999), limit.takes('a', 1_000)]).toEqual([false, true]);
  });

  it('remembers no more clients than it may', () => {
    const limit = new RateLimit(0, 1, 2);
    for (const client of ['a', 'b', 'c']) limit.takes(client, 0);
    expect([limit.takes('c', 0), limit.takes('a', 0)]).toEqual([false, true]);
  });

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('takes %s for %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});

describe('where the pages are', () => {
  const local = { address: '127.0.0.1', port: 8300, publicUrl: null, tls: false };

  it('is the address of the server, and its public name', () => {
    expect([...allowedHosts(local)]).toEqual(['127.0.0.1:8300', 'localhost:8300']);
    expect([...allowedHosts({ ...local, publicUrl: 'https://DR.example.com' })]).toContain('dr.example.com');
    expect([...allowedHosts({ address: '::1', port: 443, publicUrl: null, tls: true })]).toEqual([
      '[::1]:443',
      '[::1]',
      'localhost:443',
      'localhost',
    ]);
    expect(originOf(local)).toBe('http://127.0.0.1:8300');
    expect(originOf({ ...local, port: 443, tls: true })).toBe('https://127.0.0.1');
    expect(originOf({ ...local, publicUrl: 'https://dr.example.com' })).toBe('https://dr.example.com');
  });

  const TLS = { certFile: '/etc/web.pem', keyFile: '/etc/web.key' };
  it.each([
    [{}, null],
    [{ listen: '10.0.0.9:8300', tls: TLS }, null],
    [{ listen: '10.0.0.9:8300', publicUrl: 'https://dr.example.com' }, null],
    [{ listen: '10.0.0.9:8300' }, 'leaves this host without TLS'],
    [{ listen: '10.0.0.9:8300', publicUrl: 'http://dr.example.com' }, 'leaves this host without TLS'],
    [{ listen: '0.0.0.0:8300', tls: TLS }, 'is needed where `listen` means every address'],
    [{ publicUrl: 'http://dr.example.com', tls: TLS }, 'must begin with https:// with `tls`'],
    [{ publicUrl: 'https://dr.example.com/pages' }, 'must be scheme, host and port alone'],
    [{ publicUrl: 'https://ana@dr.example.com' }, 'must be scheme, host and port alone'],
    [{ publicUrl: 'javascript:alert(1)' }, 'must be a URL'],
    [{ listen: 'localhost:8300' }, 'must be an IP address and a port'],
    [{ listen: '127.0.0.1:99999' }, 'must be an IP address and a port'],
    [{ listen: '127.0.0.1' }, 'must be an IP address and a port'],
    [{ temporalUi: 'javascript:alert(1)' }, 'must be a URL'],
    [{ login: { method: 'certificate', caFile: '/etc/ca.pem' } }, 'is needed for client certificates'],
  ])('is configured as %j: %s', (settings, problem) => {
    const { error } = web.safeParse(settings);
    expect(error?.issues.map(({ message }) => message).join() ?? '').toContain(problem ?? '');
    expect(error === undefined).toBe(problem === null);
  });
});
