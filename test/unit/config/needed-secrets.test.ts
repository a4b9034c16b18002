import { writeFile } from 'node:fs/promises';
import { parseConfig } from '../../../src/config/load';
import { requireSecrets, secretsOfAgent, secretsOfController } from '../../../src/config/needed-secrets';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

const CONFIG = parseConfig(
  `
clusters:
  prod:
    nodes:
${['vault-1', 'vault-2']
  .map(
    (name) => `      - name: ${name}
        address: https://${name}:8200
        clusterAddress: ${name}:8201
        dataDir: /opt/vault/data
        service: { driver: command, start: [up], stop: [down], status: [ask] }`,
  )
  .join('\n')}
    auth: { method: approle, roleId: { env: ROLE_ID }, secretId: { file: /secret-id } }
    repositories: [offsite]
    restore:
      trust: namespace
      identities: [{ file: /identity }]
      auth: { method: token, token: { file: /restore-token } }
repositories:
  offsite: { type: s3, bucket: backups, credentials: { accessKeyId: { file: /key-id }, secretAccessKey: { command: [get-key] } } }
  other: { type: directory, path: /other }
signing: { publicKeyFile: /key.pub, privateKey: { file: /key } }
`,
  'vault-dr.yaml',
);
const CLUSTER = CONFIG.clusters['prod'] as (typeof CONFIG.clusters)[string];
const names = (secrets: { what: string }[]) => secrets.map(({ what }) => what);

it('a controller needs what signs, logs in and reads repositories; what comes by its environment can not come later', () => {
  expect(names(secretsOfController(CONFIG))).toEqual([
    'signing.privateKey',
    'signing.publicKeyFile',
    'clusters.prod.auth.secretId',
    'repositories.offsite.credentials.accessKeyId',
    'repositories.offsite.credentials.secretAccessKey',
  ]);
});

it('the agent of the first node needs what opens a backup; on other hosts it may be missing on purpose', () => {
  expect(names(secretsOfAgent(CONFIG, CLUSTER, 'vault-1'))).toEqual([
    'signing.publicKeyFile',
    'restore.identities',
    'repositories.offsite.credentials.accessKeyId',
    'repositories.offsite.credentials.secretAccessKey',
  ]);
  expect(names(secretsOfAgent(CONFIG, CLUSTER, 'vault-2'))).toEqual(['signing.publicKeyFile']);
});

it('all that are missing or empty are named at once, and none is shown', async () => {
  await writeFile(inTest('there'), 'hunter2\n');
  await writeFile(inTest('empty'), '\n');
  const file = (name: string) => ({ what: name, source: { file: inTest(name) } });

  const command = {
    what: 'by-command',
    source: { command: [process.execPath, '-e', 'process.exit(1)'] as [string, ...string[]] },
  };
  const missing = requireSecrets([file('there'), file('empty'), file('later'), command]);

  await expect(missing).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    retryable: true,
    message:
      `Secrets are missing: empty: the file ${inTest('empty')} is empty. ` +
      `later: the file ${inTest('later')} can't be read (ENOENT). ` +
      `by-command: the command ${process.execPath} can't be read (1).`,
  });
  await expect(requireSecrets([file('there')])).resolves.toBeUndefined();
});
