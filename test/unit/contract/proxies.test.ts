import { proxyFor, proxyHost, proxyLogin } from '../../../src/contract/proxies';
import { thrownBy } from '../../support/thrown';

const PROXY = 'http://proxy.example.com:3128';
const shown = (address: string, env: Record<string, string>) =>
  proxyFor(address, { HTTPS_PROXY: PROXY, ...env })?.origin ?? null;

it.each([
  'https://127.0.0.1:7233',
  'https://localhost',
  'https://[::1]:8333',
  'https://127.8.8.8',
  'https://2130706433',
])('%s stays on this host, and goes through no proxy', (address) => {
  expect(shown(address, {})).toBeNull();
});

it.each<[string, string, boolean]>([
  ['', 'https://s3.example.com', true],
  ['example.com', 'https://s3.example.com', false],
  ['.example.com', 'https://s3.example.com', false],
  ['*.example.com', 'https://s3.example.com', false],
  ['EXAMPLE.com.', 'https://s3.example.com', false],
  ['other.com, s3.example.com', 'https://s3.example.com', false],
  ['other.com s3.example.com', 'https://s3.example.com', false],
  ['3.example.com', 'https://s3.example.com', true],
  ['s3.example.com:443', 'https://s3.example.com', false],
  ['s3.example.com:8443', 'https://s3.example.com', true],
  ['*', 'https://s3.example.com', false],
  ['10.0.0.5', 'https://10.0.0.5:9000', false],
  ['0.5', 'https://10.0.0.5:9000', true],
  ['10.0.0.0/8', 'https://10.200.0.5', false],
  ['10.0.0.0/8', 'https://11.0.0.5', true],
  ['192.168.0.0/23', 'https://192.168.1.7', false],
  ['0.0.0.0/0', 'https://192.168.1.7', false],
  ['10.0.0.0/99', 'https://10.0.0.5', true],
  ['10.0.0.0/8', 'https://s3.example.com', true],
  ['fd00::5', 'https://[fd00::5]:9000', false],
  ['[fd00::5]:9000', 'https://[fd00::5]:9000', false],
  ['[fd00::5]:9001', 'https://[fd00::5]:9000', true],
])('with NO_PROXY %p %s goes through the proxy: %s', (list, address, proxied) => {
  expect(shown(address, { NO_PROXY: list })).toBe(proxied ? PROXY : null);
});

it('takes the lower case first, and a proxy without a scheme', () => {
  expect(shown('https://a.com', { https_proxy: 'other:3128', no_proxy: 'b.com', NO_PROXY: 'a.com' })).toBe(
    'http://other:3128',
  );
  expect(shown('https://a.com', { HTTPS_PROXY: '' })).toBeNull();
});

it.each(['socks5://ana:secret@proxy', 'https://ana:secret@proxy', 'http://ana:secret@:1:2'])(
  'refuses %s, and never shows it',
  (HTTPS_PROXY) => {
    const error = thrownBy(() => shown('https://a.com', { HTTPS_PROXY }));

    expect(error).toMatchObject({ code: 'InvalidConfiguration', advice: expect.stringContaining('http://HOST:PORT') });
    expect(`${error.message} ${error.stack}`).not.toContain('secret');
  },
);

it('takes a login out of the address', () => {
  const proxy = new URL('http://ana:p%40ss@proxy');
  expect(proxyHost(proxy)).toBe('proxy:80');
  expect(proxyLogin(proxy)).toEqual({ username: 'ana', password: 'p@ss' });
  expect(proxyLogin(new URL(PROXY))).toBeNull();
});
