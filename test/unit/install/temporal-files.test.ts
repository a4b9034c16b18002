import { parse } from 'yaml';
import { TEMPORAL_HOST, TEMPORAL_TLS, temporalFiles } from '../../../src/install/temporal-files';

const files = temporalFiles({ ...TEMPORAL_HOST, name: 'temporal.example.com' });
const textOf = (path: string) => files.find((file) => file.path === path)?.text ?? '';

test('lets nobody in without a certificate', () => {
  const { tls } = (parse(textOf('/etc/temporal/production.yaml')) as { global: { tls: object } }).global;
  const server = {
    certFile: TEMPORAL_TLS.certificate,
    keyFile: TEMPORAL_TLS.key,
    requireClientAuth: true,
    clientCaFiles: [TEMPORAL_TLS.authority],
  };
  const client = { serverName: 'temporal.example.com', rootCaFiles: [TEMPORAL_TLS.authority] };
  expect(tls).toEqual({ internode: { server, client }, frontend: { server, client } });
});

test('listens for others on the port of the frontend alone', () => {
  const { services } = parse(textOf('/etc/temporal/production.yaml')) as {
    services: Record<string, { rpc: { bindOnIP: string } }>;
  };
  const open = Object.keys(services).filter((name) => services[name]?.rpc.bindOnIP !== '127.0.0.1');
  expect(open).toEqual(['frontend']);
});

test('keeps no password: PostgreSQL knows the user by its name', () => {
  const text = files.map((file) => file.text).join('');
  expect(text).toContain('connectAttributes: { host: /run/postgresql }');
  expect(text).not.toMatch(/password/i);
});

test('names a dump only when it is whole, and keeps a week of them', () => {
  const unit = textOf('/etc/systemd/system/temporal-backup.service');
  for (const database of ['temporal', 'temporal_visibility'])
    expect(unit).toContain(`--file=/var/backups/temporal/${database}.partial ${database} && mv `);
  expect(unit).toContain('-mtime +7 -delete');
});

test('has each path once, and none that is not absolute', () => {
  const paths = files.map(({ path }) => path);
  expect(new Set(paths).size).toBe(paths.length);
  expect(paths.filter((path) => !path.startsWith('/'))).toEqual([]);
});

test('lets nobody but PostgreSQL look at the dumps', () => {
  expect(textOf('/etc/tmpfiles.d/temporal.conf')).toBe('d /var/backups/temporal 0700 postgres postgres\n');
});

test('asks for a token where it knows the keys, and lets its own workers in without one on the loopback alone', () => {
  const url = 'https://issuer.example.com/keys';
  const asking = temporalFiles({ ...TEMPORAL_HOST, name: 'temporal.example.com', tokenKeys: url });
  const config = parse(asking.find(({ path }) => path === '/etc/temporal/production.yaml')?.text ?? '') as {
    global: { authorization: { authorizer: string; jwtKeyProvider: { keySourceURIs: string[] } } };
    services: Record<string, { rpc: { bindOnIP: string } }>;
  };
  expect(config.global.authorization).toMatchObject({
    authorizer: 'default',
    claimMapper: 'default',
    jwtKeyProvider: { keySourceURIs: [url] },
  });
  expect(config.services['internal-frontend']?.rpc.bindOnIP).toBe('127.0.0.1');
  // Without being named it would not start, and the server's workers would wait for ever.
  const unit = asking.find(({ path }) => path.endsWith('/temporal.service'))?.text;
  expect(unit).toContain('--service internal-frontend');
  expect(textOf('/etc/temporal/production.yaml')).not.toContain('authorizer');
});
