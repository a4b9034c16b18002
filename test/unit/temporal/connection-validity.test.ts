import { execFileSync } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { connectionValidity } from '../../../src/temporal/connection-validity';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

async function profileWith(tls: string): Promise<string> {
  await writeFile(inTest('temporal.toml'), `[profile.default]\naddress = "temporal:7233"\n${tls}`);
  return inTest('temporal.toml');
}

function certificate(name: string, days: number): void {
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', inTest(`${name}.key`)];
  execFileSync(
    'openssl',
    ['req', '-x509', '-days', `${days}`, '-subj', '/CN=x', '-out', inTest(`${name}.crt`), ...key],
    {
      stdio: 'ignore',
    },
  );
}

test('of the certificates for Temporal it is known until when they are valid', async () => {
  certificate('client', 5);
  certificate('ca', 500);
  const configFile = await profileWith(
    `[profile.default.tls]\nclient_cert_path = "${inTest('client.crt')}"\nclient_key_path = "${inTest('client.key')}"\nserver_ca_cert_path = "${inTest('ca.crt')}"\n`,
  );
  const days = connectionValidity({ configFile }).map(({ what, until, problem }) => [
    what,
    Math.round((Date.parse(until ?? '') - Date.now()) / 86_400_000),
    problem,
  ]);

  expect(days).toEqual([
    ['its certificate for Temporal', 5, null],
    ['the CA of Temporal', 500, null],
  ]);
  await writeFile(inTest('client.crt'), await readFile(inTest('client.key')));
  expect(connectionValidity({ configFile })[0]).toMatchObject({ until: null, problem: 'it holds no certificate' });
  await rm(inTest('client.crt'));
  expect(connectionValidity({ configFile })).toEqual([
    expect.objectContaining({ until: null, problem: expect.any(String) as string }),
  ]);
});

test('without TLS there is none, and nothing of a broken profile is repeated', async () => {
  expect(connectionValidity({ configFile: await profileWith('') })).toEqual([]);
  const broken = await profileWith('api_key = "secret-of-somebody\n');

  expect(JSON.stringify(connectionValidity({ configFile: broken }))).not.toContain('secret-of-somebody');
});
