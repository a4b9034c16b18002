import { writeFile } from 'node:fs/promises';
import { program } from '../../../src/cli/commands';
import { nightText } from '../../../src/cli/temporal';
import { parseListen } from '../../../src/cli/verbs/values';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

const facts = { data: '/var/lib/night', port: 7233, uiPort: 8233, namespace: 'default', listen: null };

it('says what to set and what to run next, here and on hosts that reach it through a tunnel only', () => {
  const text = nightText(facts, 'admin').join('\n');

  expect(text).toContain('export TEMPORAL_ADDRESS=127.0.0.1:7233\n');
  expect(text).toContain('http://127.0.0.1:8233');
  expect(text).toContain('ssh -N -R 127.0.0.1:7233:127.0.0.1:7233 VAULT-HOST');
  expect(text).toContain('vault-dr restore --cluster NAME --plan');
  expect(text).not.toContain('TLS');
});

it('says with which certificates other hosts come in, and names the namespace unless it is the default', () => {
  const listen = { address: '0.0.0.0', port: 7234 };
  const text = nightText({ ...facts, namespace: 'night', listen }, 'admin').join('\n');

  expect(text).toContain('export TEMPORAL_ADDRESS=admin:7234 TEMPORAL_NAMESPACE=night\n');
  expect(text).toContain('TEMPORAL_TLS_CLIENT_CERT_PATH=CERT.pem');
  expect(text).not.toContain('ssh');
});

it('takes an address with its port, of either kind, and nothing else', () => {
  expect(parseListen('10.0.0.5:7234')).toEqual({ address: '10.0.0.5', port: 7234 });
  expect(parseListen('[::]:7234')).toEqual({ address: '::', port: 7234 });
  for (const wrong of ['7234', ':7234', '::1:7234', 'host:0', 'host:70000', 'host:x'])
    expect(() => parseListen(wrong)).toThrow('It must be');
});

it('is reachable for other hosts by mutual TLS only', async () => {
  const run = (...args: string[]) =>
    program().parseAsync(['node', 'vault-dr', 'temporal', '--data', inTest('data'), ...args]);

  await expect(run('--listen', '0.0.0.0:7234')).rejects.toThrow('--listen needs mutual TLS');
  await expect(run('--listen', '0.0.0.0:7234', '--tls-cert', '/c', '--tls-key', '/k')).rejects.toThrow('mutual TLS');
  await expect(run('--tls-client-ca', '/ca')).rejects.toThrow('need --listen');

  await writeFile(inTest('key.pem'), 'key', { mode: 0o644 });
  const files = ['--tls-cert', '/c', '--tls-key', inTest('key.pem'), '--tls-client-ca', '/ca'];
  await expect(run('--listen', '0.0.0.0:7234', ...files)).rejects.toThrow('is readable by every user of this host');
});
