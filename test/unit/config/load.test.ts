import { writeFile } from 'node:fs/promises';
import {
  clusterOf,
  loadConfig,
  nodeOf,
  parseConfig,
  readPublicKey,
  repositoryConfigOf,
} from '../../../src/config/load';
import { useDirectory } from '../../support/temporary';
import { thrownBy } from '../../support/thrown';

const inTest = useDirectory();

const GOOD = `clusters:
  prod:
    nodes:
      - name: vault-1
        address: https://vault-1.example.com:8200
        clusterAddress: vault-1.example.com:8201
        dataDir: /opt/vault/data
        service: { driver: command, start: [up], stop: [down], status: [ask] }
      - name: vault-2
        address: https://vault-2.example.com:8200
        clusterAddress: vault-2.example.com:8201
        dataDir: /opt/vault/data
        service: { driver: process, command: [vault, server] }
    auth: { method: token, token: { file: /etc/vault-dr/token } }
    repositories: [local]
    restore: { trust: namespace }
repositories:
  local: { type: directory, path: /var/backups/vault }
  offsite: { type: s3, bucket: backups }
signing: { publicKeyFile: /etc/vault-dr/signing.pub }
`;

/** The good one with some of its text replaced; each text must be there. */
function configWith(...changes: [string, string][]): string {
  return changes.reduce((text, [from, to]) => {
    if (!text.includes(from)) throw new Error(`no '${from}' in the configuration`);
    return text.replace(from, to);
  }, GOOD);
}

function problemsOf(text: string): string[] {
  const error = thrownBy(() => parseConfig(text, 'vault-dr.yaml'));
  expect(error).toMatchObject({ name: 'DrError', code: 'InvalidConfiguration' });
  const [head, ...problems] = error.message.split('\n');
  const more = Number(/^ {2}- and (\d+) more$/.exec(problems.at(-1) ?? '')?.[1] ?? 1) - 1;
  const count = problems.length + more;
  expect(head).toBe(`vault-dr.yaml has ${count === 1 ? '1 problem' : `${count} problems`}:`);
  return problems.map((line) => line.replace(/^ {2}- /, ''));
}

describe('a good configuration', () => {
  it('gets the documented defaults', () => {
    const config = parseConfig(GOOD, 'vault-dr.yaml');

    const { prod } = config.clusters;
    expect(prod?.nodes[0]).toMatchObject({ stateDir: '/var/lib/vault-dr', runtimeDir: '/run/vault-dr' });
    expect(prod?.nodes[0]?.service).toMatchObject({ timeoutSeconds: 90 });
    expect(prod?.nodes[1]?.service).toMatchObject({ stopTimeoutSeconds: 30, env: {} });
    expect(prod?.backup).toMatchObject({ encryption: 'none', retention: { last: 30 } });
    expect(prod?.restore).toMatchObject({ approvals: 1, identities: [], setAside: 'rename' });
    expect(config.repositories['offsite']).toMatchObject({ prefix: '', region: 'us-east-1', forcePathStyle: false });
    expect(config.stateDir).toBe('/var/lib/vault-dr');
  });

  it('has its paths without what a rename would trip over', () => {
    const text = configWith(['dataDir: /opt/vault/data', 'dataDir: /opt//vault/./data/']);

    expect(parseConfig(text, 'f').clusters['prod']?.nodes[0]?.dataDir).toBe('/opt/vault/data');
  });

  it('may use anchors', () => {
    const text = configWith(
      ['start: [up], stop: [down]', 'start: &up [up], stop: *up'],
      ['/opt/vault/data', '"/opt/vault/data"'],
    );

    expect(parseConfig(text, 'f').clusters['prod']?.nodes[0]?.service).toMatchObject({ stop: ['up'] });
  });
});

describe('a configuration that is made to do harm', () => {
  const bomb = Array.from(
    { length: 9 },
    (_, n) =>
      `a${n}: &a${n} [${Array(9)
        .fill(n === 0 ? 'x' : `*a${n - 1}`)
        .join(', ')}]`,
  );

  it.each([
    [
      'multiplies itself',
      `${bomb.join('\n')}\n${GOOD}`,
      'its aliases (*…) expand too far: more than 50 copies of one part',
    ],
    [
      'has an alias after the other',
      `x: &x 1\ny: [${Array(501).fill('*x').join(', ')}]\n`,
      'it has more than 500 aliases (*…)',
    ],
    ['is nested without end', '['.repeat(500_000), 'it is nested too deeply'],
    ['is nested without end, and closed', `${'['.repeat(50_000)}${']'.repeat(50_000)}`, 'it is nested too deeply'],
    ['is nested deeper than any', `${'['.repeat(40)}${']'.repeat(40)}`, 'it is nested more than 32 deep'],
    ['holds itself', 'x: &x [*x]', expect.stringMatching(/nested|aliases|alias/)],
  ])('%s: ends at once, and names the file', (_how, text, problem) => {
    const begin = performance.now();

    expect(problemsOf(text)).toEqual([problem]);
    expect(performance.now() - begin).toBeLessThan(30_000);
  });

  it('has more mistakes than anybody reads', () => {
    const problems = problemsOf(`${GOOD}${Array.from({ length: 300 }, (_, n) => `x${n}: 1`).join('\n')}`);

    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toBe('and 200 more');
  });

  it('is larger than 1 MiB', async () => {
    await writeFile(inTest('long.yaml'), `${GOOD}#${'x'.repeat(1024 * 1024)}`);

    await expect(loadConfig(inTest('long.yaml'))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('long.yaml has 1 problem:\n  - it is larger than 1 MiB'),
    });
    await expect(loadConfig('/dev/zero')).rejects.toMatchObject({ code: 'InvalidConfiguration' });
  });
});

describe('an address without TLS', () => {
  const at = (address: string, more = '') =>
    configWith(['address: https://vault-1.example.com:8200', `address: ${address}${more}`]);

  it.each(['http://127.0.0.1:8200', 'http://127.1.2.3:8200', 'http://localhost:8200', 'http://[::1]:8200'])(
    '%s is on one host',
    (address) => {
      expect(parseConfig(at(address), 'f').clusters['prod']?.nodes[0]?.address).toBe(address);
    },
  );

  it.each([
    'http://vault-1:8200',
    'http://10.0.0.1:8200',
    'http://127.0.0.1.example.com',
    'HTTP://vault-1:8200',
    'http://0.0.0.0:8200',
  ])('%s is refused, with the way out', (address) => {
    expect(problemsOf(at(address))).toEqual([
      expect.stringMatching(/^line 5: clusters\.prod\.nodes\.0\.address: must begin with https:.*Enable TLS/),
    ]);
  });

  it.each([
    ['https://vault-1:8200/ui', 'must end with the port'],
    ['https://ana:secret@vault-1:8200', 'must end with the port'],
    ['https://vault-1:8200/?a', 'must end with the port'],
    ['https://0.0.0.0:8200', 'must name the host'],
    ['"https://[::]:8200"', 'must name the host'],
    ['https://0:8200', 'must name the host'],
  ])('%s is refused', (address, why) => {
    expect(problemsOf(at(address))).toEqual([expect.stringContaining(`address: ${why}`)]);
  });

  it.each(['https://vault-1:8200/', 'https://vault-1.example.com.:8200', '"https://[fd00::5]:8200"', 'https://10.1'])(
    '%s is taken',
    (address) => {
      expect(parseConfig(at(address), 'f').clusters['prod']?.nodes[0]?.address).toBe(address.replaceAll('"', ''));
    },
  );

  const local = (address: string) => at('https://vault-1:8200', `\n        localAddress: ${address}`);

  it.each(['unix:///run/vault.sock', 'http://localhost:8202', 'https://0.0.0.0:8200'])(
    '%s may be the one on the host itself',
    (address) => {
      expect(parseConfig(local(address), 'f').clusters['prod']?.nodes[0]?.localAddress).toBe(address);
    },
  );

  it.each([
    ['unix://run/vault.sock', 'must be unix:// and an absolute path'],
    ['vault.sock', 'must be a URL'],
  ])('%s may not', (address, problem) => {
    expect(problemsOf(local(address))).toEqual([expect.stringContaining(`localAddress: ${problem}`)]);
  });

  it('is refused for the address on the host as well', () => {
    const text = at('https://vault-1:8200', '\n        localAddress: http://vault-1:8200');

    expect(problemsOf(text)).toEqual([expect.stringContaining('localAddress: must begin with https://')]);
  });
});

describe('tls of a cluster', () => {
  const withTls = (tls: string) => configWith(['auth:', `tls: ${tls}\n    auth:`]);

  it.each([
    '{ caFile: /ca.pem }',
    '{ certificateFile: /c.pem, key: { file: /c.key } }',
    '{ caFile: /ca.pem, certificateFile: /c.pem, key: { env: KEY } }',
  ])('may be %s', (tls) => {
    expect(parseConfig(withTls(tls), 'f').clusters['prod']?.tls).toBeDefined();
  });

  it.each(['{ certificateFile: /c.pem }', '{ caFile: /ca.pem, key: { file: /c.key } }'])('may not be %s', (tls) => {
    expect(problemsOf(withTls(tls))).toEqual([
      expect.stringContaining('must have certificateFile and key, or neither'),
    ]);
  });
});

describe('a configuration with mistakes', () => {
  it('has them all listed at once, each with its line', () => {
    const text = configWith(
      ['https://vault-1.example.com:8200', 'vault-1.example.com'],
      ['clusterAddress: vault-1.example.com:8201', 'clusterAdress: vault-1.example.com:8201'],
      ['dataDir: /opt/vault/data', 'dataDir: opt/vault/data'],
      ['driver: process', 'driver: upstart'],
      ['repositories: [local]', 'repositories: [local, ofsite]'],
      ['signing: { publicKeyFile: /etc/vault-dr/signing.pub }', ''],
    );

    const problems = problemsOf(text);

    expect(problems.sort()).toEqual([
      "line 13: clusters.prod.nodes.1.service.driver: Invalid discriminator value. Expected 'process' | 'systemd' | 'command'",
      "line 15: clusters.prod.repositories.1: 'ofsite' is not defined under 'repositories'",
      'line 4: clusters.prod.nodes.0.clusterAddress: is missing',
      'line 5: clusters.prod.nodes.0.address: must be a URL such as https://vault-1.example.com:8200',
      'line 6: clusters.prod.nodes.0.clusterAdress: unknown setting',
      'line 7: clusters.prod.nodes.0.dataDir: must be an absolute path',
      'signing: is missing',
    ]);
  });

  it.each([
    ['an empty file', '', 'file: Invalid input: expected object, received null'],
    ['text', 'vault-dr', 'file: Invalid input: expected object, received string'],
    [
      'a bad name',
      configWith(['  prod:', '  Prod:']),
      'line 2: clusters.Prod: must be lower-case letters, digits and hyphens',
    ],
    [
      'no node',
      GOOD.replace(/nodes:[^]*auth/, 'nodes: []\n    auth'),
      'line 3: clusters.prod.nodes: must name at least one node',
    ],
    [
      'a name that every object has',
      configWith(['[local]', '[constructor]']),
      "line 15: clusters.prod.repositories.0: 'constructor' is not defined under 'repositories'",
    ],
    [
      'a drill from a repository of another cluster',
      configWith(['    repositories: [local]', '    repositories: [local]\n    drill: { from: offsite }']),
      "line 16: clusters.prod.drill.from: 'offsite' is none of the repositories of the cluster",
    ],
    [
      'a recipient of another kind',
      configWith([
        '    repositories: [local]',
        '    repositories: [local]\n    backup: { encryption: { age: [ssh-ed25519] } }',
      ]),
      'line 16: clusters.prod.backup.encryption.age.0: must be an age recipient (age1…) or an SSH public key (ssh-ed25519 AAAA…)',
    ],
    [
      'an encryption that there is not',
      configWith(['    repositories: [local]', '    repositories: [local]\n    backup: { encryption: gpg }']),
      "line 16: clusters.prod.backup.encryption: must be {age: [age1…]}, {openpgp: {recipients: [FINGERPRINT]}} or 'none'",
    ],
    [
      'half a fingerprint',
      configWith([
        '    repositories: [local]',
        '    repositories: [local]\n    backup: { encryption: { openpgp: { recipients: [0123456789ABCDEF] } } }',
      ]),
      'line 16: clusters.prod.backup.encryption.openpgp.recipients.0: must be a full fingerprint, as shown by `gpg --fingerprint`',
    ],
    [
      'the root as data directory',
      configWith(['dataDir: /opt/vault/data', 'dataDir: /']),
      "line 7: clusters.prod.nodes.0.dataDir: must not be '/'",
    ],
    [
      'a state directory that would be set aside',
      configWith(['dataDir: /opt/vault/data', 'dataDir: /opt/vault/data\n        stateDir: /opt/vault/data/dr']),
      'line 8: clusters.prod.nodes.0.stateDir: must not be inside dataDir, which a restore sets aside',
    ],
    [
      'the data directory as runtime directory',
      configWith(['dataDir: /opt/vault/data', 'dataDir: /opt/vault/data\n        runtimeDir: /opt/vault/data/']),
      'line 8: clusters.prod.nodes.0.runtimeDir: must not be inside dataDir, which a restore sets aside',
    ],
    [
      'a storage class that is not read at once',
      configWith(['bucket: backups', 'bucket: backups, storageClass: DEEP_ARCHIVE']),
      'line 19: repositories.offsite.storageClass: must be a class with immediate access, such as STANDARD_IA or GLACIER_IR',
    ],
    [
      'the class that has only its name in common with the one that is read at once',
      configWith(['bucket: backups', 'bucket: backups, storageClass: GLACIER']),
      'line 19: repositories.offsite.storageClass: must be a class with immediate access, such as STANDARD_IA or GLACIER_IR',
    ],
    [
      'the alias of a KMS key',
      configWith(['bucket: backups', 'bucket: backups, kmsKeyId: alias/backups']),
      'line 19: repositories.offsite.kmsKeyId: must be the ARN of the key, not an alias: it is compared with the ARN that the bucket returns',
    ],
    [
      'the ARN of an alias',
      configWith([
        'bucket: backups',
        "bucket: backups, kmsKeyId: 'arn:aws:kms:eu-central-1:111122223333:alias/backups'",
      ]),
      'line 19: repositories.offsite.kmsKeyId: must be the ARN of the key, not an alias: it is compared with the ARN that the bucket returns',
    ],
  ])('says what is wrong with %s', (_what, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it.each(['GLACIER_IR', 'STANDARD_IA', 'COLD'])('may have the storage class %s', (storageClass) => {
    const text = configWith(['bucket: backups', `bucket: backups, storageClass: ${storageClass}`]);

    expect(() => parseConfig(text, 'f')).not.toThrow();
  });

  it.each([
    'arn:aws:kms:eu-central-1:111122223333:key/1a2b3c4d-1111-2222-3333-444455556666',
    '1a2b3c4d-1111-2222-3333-444455556666',
    'backup-key',
  ])('may have the KMS key %s', (kmsKeyId) => {
    const text = configWith(['bucket: backups', `bucket: backups, kmsKeyId: '${kmsKeyId}'`]);

    expect(() => parseConfig(text, 'f')).not.toThrow();
  });

  describe('of places', () => {
    const directory = (path: string) => `{ type: directory, path: ${path} }`;
    const bucket = (settings: string) => `{ type: s3, ${settings} }`;
    const both = (first: string, second: string, used = '[local, offsite]') =>
      configWith(
        ['repositories: [local]', `repositories: ${used}`],
        ['{ type: directory, path: /var/backups/vault }', first],
        ['{ type: s3, bucket: backups }', second],
      );
    const SAME =
      "line 15: clusters.prod.repositories.1: 'offsite' is the same place as 'local', so it is not a second copy";
    const OVERLAP =
      "line 15: clusters.prod.repositories.1: 'offsite' and 'local' overlap: neither may be inside the other";

    it.each([
      ['one directory', directory('/backups'), directory('/backups/./'), SAME],
      ['a directory in the other', directory('/backups'), directory('/backups/vault'), OVERLAP],
      ['a directory around the other', directory('/backups/vault'), directory('/'), OVERLAP],
      ['one bucket', bucket('bucket: backups'), bucket('bucket: backups, region: eu-central-1'), SAME],
      [
        'one bucket of one server',
        bucket('bucket: backups, prefix: a/, endpoint: "https://S3.example.com"'),
        bucket('bucket: backups, prefix: a/, endpoint: "https://s3.example.com:443/"'),
        SAME,
      ],
      ['a prefix in the other', bucket('bucket: backups'), bucket('bucket: backups, prefix: vault/'), OVERLAP],
      [
        'directories of two hosts',
        '{ type: directory, path: /backups, host: east }',
        '{ type: directory, path: /more, host: west }',
        "line 15: clusters.prod.repositories.1: 'offsite' is a directory of another host than 'local', so nothing can copy from one to the other: use a bucket, or a shared directory",
      ],
    ])('names %s that the cluster has under two names', (_what, first, second, problem) => {
      expect(problemsOf(both(first, second))).toEqual([problem]);
    });

    it.each([
      ['two directories that begin alike', directory('/backups'), directory('/backups-2')],
      ['two buckets that begin alike', bucket('bucket: backups'), bucket('bucket: backups-2')],
      ['two prefixes', bucket('bucket: backups, prefix: a/'), bucket('bucket: backups, prefix: a-2/')],
      [
        'two directories of one host',
        '{ type: directory, path: /backups, host: east }',
        '{ type: directory, path: /more, host: east }',
      ],
      ['two servers', bucket('bucket: backups'), bucket('bucket: backups, endpoint: "https://s3.example.com"')],
    ])('lets %s be', (_what, first, second) => {
      expect(() => parseConfig(both(first, second), 'f')).not.toThrow();
    });

    it('lets one place have two names, with other credentials or another lock, for clusters of their own', () => {
      const text = both(directory('/backups'), directory('/backups'), '[offsite]');

      expect(() => parseConfig(text, 'f')).not.toThrow();
    });
  });

  it('names what two nodes share, and not what they only seem to share', () => {
    const twins = configWith(
      ['name: vault-2', 'name: vault-1'],
      ['vault-2.example.com:8201', 'vault-1.example.com:8201'],
    );
    const ids = configWith(['name: vault-1', 'name: vault-1\n        nodeId: vault-2']);
    const beside = configWith([
      'dataDir: /opt/vault/data',
      'dataDir: /opt/vault/data\n        stateDir: /opt/vault/data-dr',
    ]);

    expect(problemsOf(twins)).toEqual([
      "line 9: clusters.prod.nodes.1.name: 'vault-1' is also the name of an earlier node",
      "line 11: clusters.prod.nodes.1.clusterAddress: 'vault-1.example.com:8201' is also the clusterAddress of an earlier node",
    ]);
    expect(problemsOf(ids)).toEqual([expect.stringContaining("'vault-2' is also the nodeId of an earlier node")]);
    expect(() => parseConfig(beside, 'f')).not.toThrow();
  });

  it('is refused when it is no YAML, with every place', () => {
    expect(problemsOf(`${GOOD}${GOOD}`)).toEqual([
      'Map keys must be unique at line 21, column 1:',
      'Map keys must be unique at line 37, column 1:',
      'Map keys must be unique at line 40, column 1:',
    ]);
  });
});

describe('a secret in the configuration', () => {
  const SECRET = 'hvs.CAESIJ7-secret';

  it.each([
    [
      'as it is',
      SECRET,
      'must be {file: …}, {env: …}, {credential: …} or {command: […]}: secrets are not written in the configuration',
    ],
    [
      'under another key',
      `{ value: ${SECRET} }`,
      'must be {file: …}, {env: …}, {credential: …} or {command: […]}: secrets are not written in the configuration',
    ],
    ['as the name of a variable', `{ env: ${SECRET} }`, 'must be the name of an environment variable'],
    ['as the path of a file', `{ file: ${SECRET} }`, 'must be an absolute path'],
  ])('is refused %s, with the way out, and is not shown', (_how, value, message) => {
    const problems = problemsOf(configWith(['{ file: /etc/vault-dr/token }', value]));

    expect(problems.length).toBeGreaterThan(0);
    expect(problems.join()).toContain(`line 14: clusters.prod.auth.token`);
    expect(problems.join()).toContain(message);
    expect(problems.join()).not.toContain(SECRET);
  });

  it('is not shown when YAML takes its first character for something else', () => {
    const problems = problemsOf(configWith(['{ file: /etc/vault-dr/token }', `*${SECRET}`]));

    expect(problems).toEqual(['line 14: an alias (*…) without an anchor; quote the value']);
  });
});

describe('looking things up', () => {
  const config = parseConfig(GOOD, 'vault-dr.yaml');

  it.each(['staging', 'constructor', '__proto__'])('names the clusters there are when %s is asked for', (name) => {
    expect(() => clusterOf(config, name)).toThrow(
      expect.objectContaining({
        code: 'UnknownCluster',
        message: `The configuration has no cluster '${name}'. It has: prod.`,
        advice: expect.stringContaining('Check the spelling'),
      }),
    );
  });

  it('names the nodes and the repositories there are', () => {
    expect(() => nodeOf(clusterOf(config, 'prod'), 'vault-9')).toThrow("no node 'vault-9'. It has: vault-1, vault-2.");
    expect(() => repositoryConfigOf(config, 'tape')).toThrow("no repository 'tape'. It has: local, offsite.");
    expect(nodeOf(clusterOf(config, 'prod'), 'vault-2').name).toBe('vault-2');
    expect(repositoryConfigOf(config, 'offsite').type).toBe('s3');
  });
});

describe('files', () => {
  it('says which file can not be read, and how to name another', async () => {
    await expect(loadConfig(inTest('none.yaml'))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining(inTest('none.yaml')),
      advice: 'Set its path with --config or VAULT_DR_CONFIG.',
    });
  });

  it('reads configuration and public key', async () => {
    await writeFile(inTest('signing.pub'), 'PEM');
    await writeFile(inTest('good.yaml'), configWith(['/etc/vault-dr/signing.pub', inTest('signing.pub')]));

    const config = await loadConfig(inTest('good.yaml'));

    await expect(readPublicKey(config)).resolves.toBe('PEM');
    await expect(readPublicKey(parseConfig(GOOD, 'f'))).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringContaining('signing.publicKeyFile'),
    });
  });
});

it('a drill takes the newest backup, from one repository after the other, unless the cluster says otherwise', () => {
  const drillOf = (text: string) => parseConfig(text, '').clusters['prod']?.drill;

  expect(drillOf(GOOD)).toEqual({ backup: 'newest', from: 'rotating' });
  expect(
    drillOf(
      configWith([
        '    repositories: [local]',
        '    repositories: [local]\n    drill: { backup: random, from: local }',
      ]),
    ),
  ).toEqual({ backup: 'random', from: 'local' });
});

describe('whose word lets a host be changed', () => {
  const ANA = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIUkn8Wn1BfEUlJLq0QtUFYZQIoRzYnvBxxIzTQm8o8z';
  const BOB = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlOk4Y7N1YkkfqJDgjF7jnhGzL9x4ERC3cc1L2kBEgv';
  const SAID = 'restore: { trust: namespace }';
  const restore = (text: string) => configWith([SAID, `restore: ${text}`]);

  it('has to be said', () => {
    expect(problemsOf(configWith([`    ${SAID}\n`, '']))).toEqual([
      expect.stringMatching(
        /^line 2: clusters\.prod\.restore: must name the approvers: .*Or set `trust: namespace`: then/,
      ),
    ]);
  });

  it('is that of approvers, each with a key of their own', () => {
    const config = parseConfig(
      restore(`{ approvers: [{ name: ana, key: ${ANA} ana@laptop }, { name: bob, key: ${BOB} }] }`),
      '',
    );

    expect(config.clusters['prod']?.restore).toMatchObject({
      approvers: [{ name: 'ana' }, { name: 'bob' }],
      approvals: 1,
    });
    expect(config.clusters['prod']?.restore.trust).toBeUndefined();
  });

  it.each([
    [`{ approvers: [{ name: ana, key: ${ANA} }], trust: namespace }`, 'cannot be combined with approvers'],
    [
      `{ approvers: [{ name: ana, key: ${ANA} }, { name: ana, key: ${BOB} }] }`,
      'is also the name of an earlier approver',
    ],
    [
      `{ approvers: [{ name: ana, key: ${ANA} }, { name: bob, key: ${ANA} x }] }`,
      'is also the key of an earlier approver',
    ],
    [`{ approvers: [{ name: ana, key: ${ANA} }], approvals: 0 }`, 'must be 1 or more if approvers are named'],
    [`{ approvers: [{ name: ana, key: ${ANA} }], approvals: 2 }`, 'is more than the number of approvers (1)'],
    [
      `{ approvers: [{ name: ana, key: ${ANA} }], drills: { approvals: 0 } }`,
      'must be 1 or more if approvers are named',
    ],
    [`{ approvers: [{ name: ana, key: ssh-rsa AAAAB3NzaC1yc2E= }] }`, 'must be an SSH public key'],
    [`{ approvers: [{ name: ana, key: ssh-ed25519 AAAA }] }`, 'must be an SSH public key'],
    [
      `{ approvers: [{ name: ana, key: ${ANA} }], setAside: delete }`,
      'nodes.0.agentPublicKey: is required if setAside is `delete`',
    ],
    ['{ approvers: [] }', 'must name at least one approver'],
    ['{ trust: everybody }', "must be 'namespace'"],
  ])('is refused as %s', (text, problem) => {
    expect(problemsOf(restore(text)).join('\n')).toContain(problem);
  });
});

describe('the method by which a cluster is backed up', () => {
  const AUTH = '    auth: { method: token';
  const withMethod = (lines: string) => configWith([AUTH, `${lines}\n${AUTH}`]);
  const CONSUL = '    consul: { addresses: [https://consul.example.com:8501] }';
  const COPIED = '    method: filesystem';
  const withKeys = (text: string) => text.replaceAll(/( +)dataDir: .*/g, '$&\n$1agentPublicKey: MCowBQYDK2VwAyEA');

  it('is a Raft snapshot unless the configuration says otherwise', () => {
    expect(parseConfig(GOOD, '').clusters['prod']).toMatchObject({ method: 'raft' });
    expect(parseConfig(withKeys(withMethod(COPIED)), '').clusters['prod']).toMatchObject({
      method: 'filesystem',
      filesystem: { leastMinutesBetween: 30 },
    });
    expect(parseConfig(withMethod(`    method: consul\n${CONSUL}`), '').clusters['prod']?.consul).toEqual({
      addresses: ['https://consul.example.com:8501'],
      path: 'vault/',
      consistency: 'default',
    });
  });

  it.each([
    ['    method: tar', "method: must be 'raft', 'filesystem' or 'consul'"],
    ['    method: consul', "consul: is missing: with `method: consul` it says where Vault's Consul is"],
    [CONSUL, "consul: goes with `method: consul` only, and the method is 'raft'"],
    ['    filesystem: {}', "filesystem: goes with `method: filesystem` only, and the method is 'raft'"],
    ['    method: filesystem\n    filesystem: { node: vault-9 }', "filesystem.node: 'vault-9' is not one of the nodes"],
    [
      '    method: filesystem\n    filesystem: { window: { start: "25:00", minutes: 5 } }',
      'filesystem.window.start: must be a time of day in UTC, such as 02:30',
    ],
    [
      '    method: consul\n    consul: { addresses: [http://consul.example.com:8500], path: ../vault/, consistency: stale }',
      'consul.addresses.0: must begin with https://: otherwise tokens cross the network unencrypted',
      'consul.path: must be a path that ends with a slash, such as vault/',
      'consul.consistency: ',
    ],
  ])('%j is refused', (lines, ...wanted) => {
    const problems = problemsOf(withMethod(lines)).join('\n');

    for (const problem of wanted) expect(problems).toContain(`clusters.prod.${problem}`);
  });

  it('needs a time at which the only node may be stopped', () => {
    const alone = withKeys(withMethod(COPIED)).replace(/ {6}- name: vault-2\n( {8}.*\n)+/, '');

    expect(problemsOf(alone)).toEqual([
      expect.stringContaining('filesystem.window: is missing: the only node is stopped for each backup'),
    ]);
  });

  it('needs the keys of the agents whose copies are to be trusted', () => {
    const problems = problemsOf(withMethod(COPIED));

    expect(problems).toEqual([
      expect.stringMatching(/nodes\.0\.agentPublicKey: is required with `method: filesystem`: .*`vault-dr agent-key`/),
      expect.stringMatching(/nodes\.1\.agentPublicKey: is required/),
    ]);
    expect(problemsOf(withMethod(COPIED).replace(/( +)dataDir: .*/, '$&\n$1agentPublicKey: MCowBQYDK2VwAyEA'))).toEqual(
      [expect.stringMatching(/nodes\.1\.agentPublicKey: is required/)],
    );
  });
});
