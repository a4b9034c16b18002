import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { certificateValidity } from '../../../src/vault/reach/certificate-validity';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const DAY_MS = 86_400_000;
let short: string;
let long: string;

beforeAll(() => {
  short = certificate(5);
  long = certificate(500);
});

test('of a chain, the certificate that ends first counts', async () => {
  await writeFile(inTest('tls.crt'), `${long}${short}`);

  const found = certificateValidity('tls_cert_file', inTest('tls.crt'));

  expect(found).toMatchObject({ what: `tls_cert_file ${inTest('tls.crt')}`, problem: null });
  expect(daysUntil(found.until)).toBe(5);
  expect(Date.parse(found.until!) - Date.parse(found.from!)).toBe(5 * DAY_MS);
});

test.each(['tls_client_ca_file', 'tls_ca_cert', 'tls.caFile'])(
  'of authorities (%s) the one that ends last counts: lists of them hold some that have ended',
  async (setting) => {
    await writeFile(inTest('ca.pem'), `${short}${long}`);

    expect(daysUntil(certificateValidity(setting, inTest('ca.pem')).until)).toBe(500);
  },
);

test('a link is followed, as it is usual for certificates', async () => {
  await mkdir(inTest('archive'));
  await writeFile(inTest('archive', 'cert1.pem'), short);
  await symlink(inTest('archive', 'cert1.pem'), inTest('live.pem'));

  expect(daysUntil(certificateValidity('tls_cert_file', inTest('live.pem')).until)).toBe(5);
});

test('what can not be read is unknown, and nothing waits for it', async () => {
  await writeFile(inTest('key.pem'), 'no certificate');
  execFileSync('mkfifo', [inTest('pipe')]);

  const problems = ['missing', 'key.pem', 'pipe', '.'].map(
    (name) => certificateValidity('tls_cert_file', join(inTest(), name)).problem,
  );

  expect(problems).toEqual([
    'ENOENT',
    'it holds no certificate',
    expect.stringContaining('is a named pipe'),
    expect.stringContaining('is a directory'),
  ]);
});

/** Self-signed, by what administrators use. */
function certificate(days: number): string {
  const args = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=vault'];
  return execFileSync('openssl', [...args, '-days', String(days)], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function daysUntil(time: string | null): number {
  return Math.round((Date.parse(time ?? '') - Date.now()) / DAY_MS);
}
