import { hostOf, isLoopbackHost, socketPathOf } from '../../../src/contract/addresses';

it.each([
  ['https://[::1]:8200', '::1'],
  ['https://vault-1.example.com.:8200/', 'vault-1.example.com'],
  ['https://2130706433', '127.0.0.1'],
])('the host of %s is %s', (url, host) => {
  expect(hostOf(new URL(url))).toBe(host);
});

it.each(['localhost', 'LOCALHOST.', '127.0.0.1', '127.9.9.9', '::1', '[::1]', '::ffff:7f00:1', '::ffff:127.0.0.1'])(
  '%s is the loopback',
  (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  },
);

it.each(['localhost.example.com', '127.0.0.1.example.com', '0.0.0.0', '::', '10.0.0.1', '::ffff:a00:1', '128.0.0.1'])(
  '%s is not',
  (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  },
);

it.each([
  ['unix:///run/vault.sock', '/run/vault.sock'],
  ['unix://run/vault.sock', null],
  ['unix://', null],
  ['https://127.0.0.1:8200', null],
])('the socket of %s is %s', (address, path) => {
  expect(socketPathOf(address)).toBe(path);
});
