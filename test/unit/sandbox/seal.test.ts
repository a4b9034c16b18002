import { writeFile } from 'node:fs/promises';
import { holesFor, hostsFile, readSeal } from '../../../src/sandbox/seal';
import { failureOf } from '../../support/thrown';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

const configured = (more: object = {}) => ({
  configFile: inTest('vault.hcl'),
  reach: ['kms.example.com:443'],
  environment: {},
  files: {},
  ...more,
});

test('the stanza is taken out of a configuration, and the files that it names come with it', async () => {
  await writeFile(inTest('token'), 'hvs.token');
  await writeFile(inTest('ca.pem'), 'certificate');
  await writeFile(
    inTest('vault.hcl'),
    `storage "raft" { path = "/opt/vault" }
     seal "transit" {
       address = "https://kms.example.com:443"
       token = "file://${inTest('token')}"
       tls_ca_cert = "${inTest('ca.pem')}"
       mount_path = "/transit/"
       disable_renewal = true
     }`,
  );

  const seal = await readSeal(configured(), 'prod');

  expect(seal).toMatchObject({
    type: 'transit',
    settings: {
      address: 'https://kms.example.com:443',
      token: 'file:///seal/0-token',
      tls_ca_cert: '/seal/1-ca.pem',
      mount_path: '/transit/',
      disable_renewal: 'true',
    },
    holes: [{ host: 'kms.example.com', port: 443, listen: '127.77.0.1' }],
  });
  expect(seal.files.map(({ content }) => content.toString('utf8'))).toEqual(['hvs.token', 'certificate']);
});

test('variables come from sources of secrets, and those of files lead into the sandbox', async () => {
  await writeFile(inTest('vault.hcl'), 'seal "gcpckms" { project = "p" }');
  await writeFile(inTest('key'), 'secret\n');
  await writeFile(inTest('account.json'), '{}');
  const environment = { AWS_SECRET_ACCESS_KEY: { file: inTest('key') } };
  const files = { GOOGLE_APPLICATION_CREDENTIALS: inTest('account.json') };

  const seal = await readSeal(configured({ environment, files }), 'prod');

  expect(seal.environment).toEqual({
    AWS_SECRET_ACCESS_KEY: 'secret',
    GOOGLE_APPLICATION_CREDENTIALS: '/seal/0-account.json',
  });
});

test.each([
  ['no seal', 'storage "raft" {}', /has 0 seals/],
  ['two seals', 'seal "awskms" {}\nseal "gcpckms" {}', /has 2 seals/],
  ['no HCL', 'seal "transit" { token = "hvs.secret', /can't be parsed/],
])('a file with %s is refused, and nothing of it is shown', async (_what, text, message) => {
  await writeFile(inTest('vault.hcl'), text);

  const error = await failureOf(readSeal(configured(), 'prod'));

  expect(error).toMatchObject({ code: 'InvalidConfiguration', message: expect.stringMatching(message) as string });
  expect(error.message).not.toContain('hvs.secret');
});

test('each name has a loopback address of its own, and a loopback address stays what it is', () => {
  const holes = holesFor(['kms.example.com:443', 'sts.example.com:443', 'kms.example.com:8443', '127.0.0.1:8300'], 'x');

  expect(holes.map(({ listen, port }) => `${listen}:${port}`)).toEqual([
    '127.77.0.1:443',
    '127.77.0.2:443',
    '127.77.0.1:8443',
    '127.0.0.1:8300',
  ]);
  expect(hostsFile(holes)).toBe('127.77.0.1 kms.example.com\n127.77.0.2 sts.example.com\n');
});

test('another address is refused: nobody could be found under it in there', () => {
  expect(() => holesFor(['10.0.0.5:8200'], 'sandbox.seals.prod')).toThrow(/by its name only/);
});
