import { evaluateReach, type ReachFacts } from '../../../../src/vault/reach/evaluate-reach';
import { type Listener, listenerOf } from '../../../../src/vault/reach/listener';
import { localAddressOf } from '../../../../src/vault/reach/local-address';

type Settings = Record<string, string | boolean> & { type?: string };

function listener({ type = 'tcp', ...settings }: Settings = {}): Listener {
  return listenerOf({
    type,
    text: (name) => (typeof settings[name] === 'string' ? settings[name] : null),
    flag: (name) => (typeof settings[name] === 'boolean' ? settings[name] : null),
  });
}

const ADDRESS = 'https://vault-1.example.com:8200';
const PLAIN = { tls_disable: true };

describe('localAddressOf', () => {
  it.each<[string, Settings[] | null, string]>([
    ['nothing known of it', null, 'https://127.0.0.1:8200'],
    ['no listener', [], 'https://127.0.0.1:8200'],
    ["Vault's default", [{}], 'https://127.0.0.1:8200'],
    ['all IPv4 addresses', [{ address: '0.0.0.0:8200' }], 'https://127.0.0.1:8200'],
    ['all addresses', [{ address: '[::]:8200' }], 'https://127.0.0.1:8200'],
    ['all addresses, without a host', [{ address: ':8200' }], 'https://127.0.0.1:8200'],
    ['another port', [{ address: '0.0.0.0:8443' }], 'https://127.0.0.1:8443'],
    ['one address that is no loopback', [{ address: '10.0.0.5:8200' }], 'https://10.0.0.5:8200'],
    ['an IPv6 address', [{ address: '[fd00::5]:8200' }], 'https://[fd00::5]:8200'],
    ['an IPv6 address in its long form', [{ address: '[0:0:0:0:0:0:0:1]:8200' }], 'https://[::1]:8200'],
    ['a name', [{ address: 'vault-1.internal:8200' }], 'https://vault-1.internal:8200'],
    ['the loopback without TLS', [{ address: '127.0.0.1:8200', ...PLAIN }], 'http://127.0.0.1:8200'],
    ['all addresses without TLS', [{ address: '0.0.0.0:8200', ...PLAIN }], 'http://127.0.0.1:8200'],
    ['a unix socket only', [{ type: 'unix', address: '/run/vault.sock' }], 'unix:///run/vault.sock'],
    ['a unix socket without a path', [{ type: 'unix' }], 'unix:///run/vault.sock'],
    [
      'the loopback before another address and a socket',
      [{ type: 'unix' }, { address: '10.0.0.5:8200' }, { address: '127.0.0.1:8202', ...PLAIN }],
      'http://127.0.0.1:8202',
    ],
    [
      'what demands no certificate before what does',
      [
        { address: '0.0.0.0:8200', tls_require_and_verify_client_cert: true },
        { address: '127.0.0.1:8202', ...PLAIN },
      ],
      'http://127.0.0.1:8202',
    ],
    [
      'the port of its address before others',
      [{ address: '127.0.0.1:8300' }, { address: '127.0.0.1:8200' }],
      'https://127.0.0.1:8200',
    ],
    [
      'what serves the whole API',
      [
        { address: '127.0.0.1:9000', role: 'metrics_only' },
        { address: '127.0.0.1:9001', chroot_namespace: 'a' },
        { address: '10.0.0.5:8200' },
      ],
      'https://10.0.0.5:8200',
    ],
    // Shares would go there in clear.
    ['an address without TLS that is no loopback', [{ address: '10.0.0.5:8200', ...PLAIN }], 'https://127.0.0.1:8200'],
    ['what only Vault can work out', [{ address: '{{ GetPrivateIP }}:8200' }], 'https://127.0.0.1:8200'],
  ])('goes by %s', (_what, listeners, expected) => {
    expect(localAddressOf({ address: ADDRESS }, listeners?.map(listener) ?? null).address).toBe(expected);
  });

  it.each([
    ['https://[::1]:8200', 'https://[::1]:8200'],
    ['https://localhost:8200', 'https://localhost:8200'],
    ['http://127.0.0.2:8300/', 'http://127.0.0.2:8300'],
    ['https://vault-1', 'https://127.0.0.1'],
  ])('without listeners keeps what is on the loopback by its address %s', (address, expected) => {
    expect(localAddressOf({ address }, null)).toEqual({ address: expected, from: 'address' });
  });

  it('takes what the node says before all', () => {
    const localAddress = 'unix:///run/vault.sock';
    expect(localAddressOf({ address: ADDRESS, localAddress }, [listener()])).toEqual({
      address: localAddress,
      from: 'localAddress',
    });
  });
});

describe('evaluateReach', () => {
  function judge(localAddress: string | undefined, listeners: Settings[] | null, more: Partial<ReachFacts> = {}) {
    const known = listeners?.map(listener) ?? null;
    const local = localAddressOf({ address: ADDRESS, localAddress }, known);
    return evaluateReach({ local, listeners: known, incomplete: false, hasClientCertificate: false, ...more });
  }

  it.each<[string, string]>([
    ['127.0.0.1:8200', 'https://127.0.0.1:8200'],
    ['127.0.0.1:8200', 'https://2130706433:8200'],
    ['127.0.0.1:8200', 'https://0x7f.1:8200'],
    ['127.0.0.1:8200', 'https://127.1:8200/'],
    ['127.0.0.1:8200', 'https://0.0.0.0:8200'],
    ['127.0.0.1:8200', 'https://localhost.:8200'],
    ['127.0.0.1:8200', 'https://[::ffff:127.0.0.1]:8200'],
    ['[::ffff:10.0.0.5]:8200', 'https://10.0.0.5:8200'],
    ['[::1]:8200', 'https://[0:0:0:0:0:0:0:1]:8200'],
    ['[::1]:8200', 'https://[::]:8200'],
    ['[::]:8200', 'https://[::1]:8200'],
    ['0.0.0.0:8200', 'https://127.0.0.1:8200'],
    ['0.0.0.0:8200', 'https://localhost:8200'],
    ['127.0.0.1:443', 'https://127.0.0.1'],
    ['Vault-1.example.com:8200', 'https://vault-1.example.com.:8200'],
  ])('a listener at %s is reached by %s', (address, localAddress) => {
    expect(judge(localAddress, [{ address }])).toMatchObject({ kind: 'reachable', listener: { address } });
  });

  it.each<[string, string, Settings[], string]>([
    [
      'on another address only',
      'https://127.0.0.1:8200',
      [{ address: '10.0.0.5:8200' }],
      'its agent uses https://127.0.0.1:8200 (`localAddress`), where Vault has no listener (Vault listens on 10.0.0.5:8200): set `localAddress: https://10.0.0.5:8200` for this node',
    ],
    [
      'on another port only',
      'https://127.0.0.1:8200',
      [{ address: '0.0.0.0:8443' }],
      'set `localAddress: https://127.0.0.1:8443`',
    ],
    ['on IPv4 only', 'https://[::1]:8200', [{ address: '0.0.0.0:8200' }], 'set `localAddress: https://127.0.0.1:8200`'],
    [
      'on another loopback address',
      'https://127.0.0.1:8200',
      [{ address: '127.0.0.2:8200' }],
      'set `localAddress: https://127.0.0.2:8200`',
    ],
    [
      'on a socket only',
      'https://127.0.0.1:8200',
      [{ type: 'unix', address: '/run/v.sock' }],
      'set `localAddress: unix:///run/v.sock`',
    ],
    [
      'on another socket',
      'unix:///run/vault.sock',
      [{ type: 'unix', address: '/run/v.sock' }],
      'set `localAddress: unix:///run/v.sock`',
    ],
    [
      'on no socket',
      'unix:///run/vault.sock',
      [{ address: '127.0.0.1:8200' }],
      'set `localAddress: https://127.0.0.1:8200`',
    ],
    [
      'without TLS',
      'https://127.0.0.1:8200',
      [{ address: '127.0.0.1:8200', ...PLAIN }],
      'its agent uses https://127.0.0.1:8200, and the listener at 127.0.0.1:8200 has tls_disable set, so it does not use TLS: set `localAddress: http://127.0.0.1:8200` for this node',
    ],
    [
      'with TLS',
      'http://127.0.0.1:8200',
      [{ address: '0.0.0.0:8200' }],
      'requires TLS: set `localAddress: https://127.0.0.1:8200`',
    ],
    [
      'without TLS on an address that is no loopback',
      'https://10.0.0.5:8200',
      [{ address: '10.0.0.5:8200', ...PLAIN }],
      'add a listener for its agent to its configuration: `listener "tcp" { address = "127.0.0.1:8202" tls_disable = true }`',
    ],
    [
      'for metrics only',
      'https://127.0.0.1:9000',
      [{ address: '127.0.0.1:9000', role: 'metrics_only' }, { address: '127.0.0.1:8200' }],
      'whose listener serves only part of the API (role = "metrics_only"): set `localAddress: https://127.0.0.1:8200`',
    ],
    [
      'for those with a certificate only',
      'https://127.0.0.1:8200',
      [{ tls_require_and_verify_client_cert: true }],
      'the listener at 127.0.0.1:8200 requires a client certificate (tls_require_and_verify_client_cert), and none is configured: set `tls: { certificateFile: …, key: { file: … } }`',
    ],
    ['nowhere', 'https://127.0.0.1:8200', [], 'its Vault has no listener'],
  ])('a Vault that listens %s is refused, with the line to change', (_where, localAddress, listeners, expected) => {
    expect(judge(localAddress, listeners)).toEqual({ kind: 'refused', why: expect.stringContaining(expected) });
  });

  it('is content with a certificate where one is demanded', () => {
    const demanding = [{ tls_require_and_verify_client_cert: true }];
    expect(judge(undefined, demanding, { hasClientCertificate: true }).kind).toBe('reachable');
  });

  it.each<[string, string | undefined, Settings[] | null, Partial<ReachFacts>, string]>([
    ['its configuration is not known', undefined, null, {}, 'is not under configFiles'],
    [
      'a part of it is not known',
      undefined,
      [{ address: '10.0.0.5:8200' }],
      { incomplete: true },
      "can't be read completely",
    ],
    [
      'Vault works its address out',
      undefined,
      [{ address: '{{ GetPrivateIP }}:8200' }],
      {},
      '(Vault listens on {{ GetPrivateIP }}:8200)',
    ],
    [
      'a name has to be resolved',
      'https://vault-1.lan:8200',
      [{ address: '10.0.0.5:8200' }],
      {},
      "can't be determined",
    ],
    ['a name may be this host', 'https://vault-1.lan:8200', [{ address: '0.0.0.0:8200' }], {}, "can't be determined"],
  ])('where %s it is not checked', (_why, localAddress, listeners, more, expected) => {
    expect(judge(localAddress, listeners, more)).toEqual({ kind: 'unchecked', why: expect.stringContaining(expected) });
  });
});
