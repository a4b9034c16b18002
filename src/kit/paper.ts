import { formatBytes, formatTime } from '../contract/format';
import type { Encryption } from '../contract/generation';
import { kitCode, type KitContents } from '../contract/kit';
import { productName, PRODUCTS } from '../contract/product';
import { shellWord } from '../contract/shell-word';
import type { Block, Paper } from '../paper/paper';
import { VERSION } from '../version';
import type { KitFacts, KitRepository } from './facts';
import { folded } from './folded';
import { AUTHORITIES_FILE, hostVariables, IDENTITY_FILE, restoreSteps, SIGNING_FILE } from './steps';

/** Two pages of A4 with five nodes, and nothing smaller than a medicine's label. */
const FONT_SIZE = 8;
/** To be filled in by pen. */
const LINE = '_'.repeat(28);
/** Of people whom nobody has named. */
const MOST_EMPTY_ROWS = 5;

const DECRYPTS = { age: ['age'], openpgp: ['gpg'], none: [] } as const;

/** What is needed on the first page, what is typed on the second. Equal facts give equal papers. */
export function kitPaper(facts: KitFacts, contents: KitContents): Paper {
  const { cluster, backup } = facts;
  const asOf = backup === null ? 'no backup yet' : `as of ${formatTime(backup.capturedAt)}`;
  return {
    title: `Break-glass kit of ${cluster}`,
    date: backup?.capturedAt ?? new Date(0).toISOString(),
    footer: `Break-glass kit of ${cluster} · code ${kitCode(contents)} · ${asOf} · vault-dr ${VERSION}`,
    fontSize: FONT_SIZE,
    blocks: [...needed(facts, contents), ...steps(facts)].map(folded),
  };
}

function needed(facts: KitFacts, contents: KitContents): Block[] {
  const cluster = shellWord(facts.cluster);
  return [
    paragraph(
      `Brings the cluster ${facts.cluster} back by stock tools alone, when vault-dr, its Temporal or the whole site is gone. ` +
        `If a node still has its disk, start and unseal it: nothing is lost then. If vault-dr works: vault-dr restore --cluster ${cluster}. ` +
        `No secret is in this kit; keep it apart from the identity. It is out of date if vault-dr kit --cluster ${cluster} prints another code than ${kitCode(contents)}.`,
    ),
    heading('A. People'),
    paragraph(whoIsNeeded(facts)),
    people(facts),
    heading('B. Where the backups lie'),
    table(['repository', 'where', 'region, endpoint, key'], facts.repositories.map(repositoryRow)),
    paragraph(newest(facts)),
    heading('C. Nodes'),
    table(
      ['node', 'address', 'data directory', 'systemd unit'],
      facts.nodes.map(({ name, address, dataDir, unit, commands }, index) => [
        index === 0 ? `${name} (the first)` : name,
        address,
        dataDir ?? 'see its configuration',
        unit ?? (commands === null ? 'see its host' : 'none: see below'),
      ]),
    ),
    ...ownCommands(facts),
    heading('D. Keys and fingerprints'),
    table(['what', 'which'], keys(facts)),
    heading('E. To install on an empty host'),
    list(toInstall(facts)),
  ];
}

function whoIsNeeded({ seal, approvers }: KitFacts): string {
  const signed =
    approvers === null || approvers.approvals === 0
      ? ''
      : ` Only vault-dr asks for approvals: ${approvers.approvals} of those named, besides whoever starts it.`;
  if (seal === null) return `How many shares are needed is in the backup.${signed}`;
  const { seal: sealed, recovery } = seal;
  if (sealed.type === 'shamir')
    return `Unsealing takes ${sealed.secretThreshold} of ${sealed.secretShares} shares (Shamir), each typed by its holder.${signed}`;
  const held =
    recovery === null
      ? ''
      : `; ${recovery.secretThreshold} of ${recovery.secretShares} recovery keys make a root token`;
  return `It unseals itself (${sealed.type}), if it reaches the key of its seal${held}.${signed}`;
}

function people({ holders, approvers, seal }: KitFacts): Block {
  const signers = approvers?.names ?? [];
  const keyOf = (name: string) => signers.find((one) => one.name === name)?.key;
  const rows = [
    ...holders.map(({ name, provenAt }) => {
      const proved = provenAt === null ? 'holds a share' : `holds a share, proved ${formatTime(provenAt).slice(0, 10)}`;
      return [name, keyOf(name) === undefined ? proved : `${proved}; approves`, LINE];
    }),
    ...signers
      .filter(({ name }) => !holders.some((holder) => holder.name === name))
      .map(({ name }) => [name, 'approves', LINE]),
    ...unnamed(holders.length, seal),
    ['', 'has the identity that decrypts', LINE],
    ['', 'may read the repositories (cloud, storage)', LINE],
  ];
  return table(
    ['name', 'what for', 'phone'],
    rows.map(([name = '', ...rest]) => [name === '' ? LINE : name, ...rest]),
  );
}

/** Holders whom neither the configuration nor a roll-call names. */
function unnamed(known: number, seal: KitFacts['seal']): string[][] {
  if (known > 0) return [];
  const { secretShares } = seal?.recovery ?? seal?.seal ?? { secretShares: 3 };
  return Array.from({ length: Math.min(secretShares, MOST_EMPTY_ROWS) }, () => ['', 'holds a share', LINE]);
}

function repositoryRow({ name, kind, place, host, region, endpoint, kmsKey }: KitRepository): string[] {
  const where = kind === 'directory' ? `directory ${place} on ${host ?? 'the host of the controller'}` : place;
  const access = [region, endpoint, kmsKey === null ? null : `KMS key ${kmsKey}`].filter((part) => part !== null);
  return [name, where, access.join(', ') || '-'];
}

function newest({ backup, cluster }: KitFacts): string {
  if (backup === null) return 'There was no backup when this was made.';
  const { generation, capturedAt, archive, clusterId } = backup;
  return (
    `Each has one directory for each backup: ${cluster}/ID/. When this was made the newest ID was ${generation}, of ${formatTime(capturedAt)}, ` +
    `${formatBytes(archive.sizeBytes)}${clusterId === null ? '' : `, with the cluster id ${clusterId}`}: take the newest that is there.`
  );
}

/** Where no unit of systemd starts Vault. */
function ownCommands({ nodes }: KitFacts): Block[] {
  const own = nodes.filter(({ commands }) => commands !== null);
  if (own.length === 0) return [];
  return [
    paragraph('In place of systemctl, which the steps name:'),
    {
      kind: 'code',
      lines: own.flatMap(({ name, commands }) => [
        `${commands?.start ?? ''}   # start on ${name}`,
        `${commands?.stop ?? ''}   # stop on ${name}`,
      ]),
    },
  ];
}

function keys(facts: KitFacts): string[][] {
  const { signing, authorities, encryption, identities, approvers, backup, holderPage } = facts;
  const { method, recipients: earlier } = backup?.encryption ?? encryption;
  return [
    ['signing key', `SHA-256 ${signing.sha256}; the public half is in step 0`],
    ...(authorities?.certificates ?? []).map(({ subject, sha256, validTo }, index) => [
      `${AUTHORITIES_FILE}${index === 0 ? '' : ', too'}`,
      `SHA-256 ${sha256} (${subject.replaceAll('\n', ', ')}, until ${validTo.slice(0, 10)}), from ${authorities?.file ?? ''} of the controller`,
    ]),
    ...encryption.recipients.map((recipient) => ['encrypted for', recipient]),
    // They were others then.
    ...earlier
      .filter((recipient) => !encryption.recipients.includes(recipient))
      .map((recipient) => ['encrypted for', `${recipient} (the newest backup, not the next)`]),
    ...(method === 'none'
      ? []
      : [[IDENTITY_FILE, `${identities.join('; ') || 'nothing is configured'}; a copy is here: ${LINE}`]]),
    ...(approvers?.names ?? []).map(({ name, key }) => [`approves: ${name}`, key]),
    ...(holderPage.sha256 === null
      ? []
      : [
          ["key holders' page", `SHA-256 ${holderPage.sha256}, as vault-dr ${VERSION} makes it (vault-dr holder-page)`],
        ]),
  ];
}

function toInstall({ servers, encryption, repositories, cluster, backup }: KitFacts): string[] {
  const product = productName(servers?.product);
  const { program } = PRODUCTS[servers?.product ?? 'vault'];
  const version = servers?.version ?? null;
  const methods = new Set([encryption.method, backup?.encryption.method ?? encryption.method]);
  return [
    `${product} ${version ?? 'of the release that made the backup'} (the program ${program}): this release, or a slightly newer one; its user, its configuration and its TLS files, which a backup has if configFiles names them. Its data directory (C) is made empty, for that user; step 3 then has nothing to move.`,
    [
      'tar, sha256sum, OpenSSL 3',
      ...[...methods].flatMap((method) => DECRYPTS[method]),
      ...(repositories.some(({ kind }) => kind === 's3') ? ['the AWS CLI (aws)'] : []),
    ].join(', '),
    `vault-dr ${VERSION} is not needed. Its release brings its own Node.js: check SHA256SUMS.sig by release-key.pub.pem, SHA-256 ${LINE}${LINE}; then vault-dr restore --cluster ${shellWord(cluster)}.`,
  ];
}

function steps(facts: KitFacts): Block[] {
  const { backup, cluster, signing } = facts;
  if (backup === null) return [paragraph(`When ${cluster} has a backup, print this again: its steps depend on it.`)];
  return [
    { kind: 'page' },
    heading('F. What to type, as root, in this order'),
    { kind: 'heading', level: 3, text: '0. Fetch the newest backup, into an empty directory on the first node' },
    paragraph(
      `From one of these; if a check of step 1 fails, take another, or the backup before it. Beside it: ${files(backup.encryption, facts.authorities !== null)}`,
    ),
    { kind: 'code', lines: facts.repositories.flatMap((repository) => fetching(repository, cluster)) },
    { kind: 'code', lines: [`cat >${SIGNING_FILE} <<'END'`, ...signing.pem.split('\n'), 'END', ...hashes(facts)] },
    ...hostVariables(facts, backup),
    ...restoreSteps(facts, backup),
  ];
}

function files({ method }: Encryption, authorities: boolean): string {
  return [
    ...(method === 'age' ? [`${IDENTITY_FILE}, the identity (D)`] : []),
    ...(authorities ? [`${AUTHORITIES_FILE} (D), on each node`] : []),
    `${SIGNING_FILE}, as below.`,
  ].join('; ');
}

/** Each prints a hash that stands on the first page. */
function hashes({ authorities }: KitFacts): string[] {
  return [
    `openssl pkey -pubin -in ${SIGNING_FILE} -outform DER | sha256sum   # as in D`,
    ...(authorities === null ? [] : [`openssl x509 -in ${AUTHORITIES_FILE} -outform DER | sha256sum   # as in D`]),
  ];
}

function fetching({ name, kind, place, host, region, endpoint }: KitRepository, cluster: string): string[] {
  if (kind === 'directory') {
    const from = shellWord(`${place}/${cluster}`);
    return [
      `# ${name}, on ${host ?? 'the host of the controller'}:`,
      `B=$(ls ${from} | grep ^2 | tail -n 1); echo $B; cp ${from}/$B/* .`,
    ];
  }
  const options = [
    ` --region ${shellWord(region ?? '')}`,
    ...(endpoint === null ? [] : [` --endpoint-url ${shellWord(endpoint)}`]),
  ].join('');
  const from = shellWord(`${place}${cluster}/`);
  return [
    `# ${name}, with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY:`,
    `B=$(aws s3 ls${options} ${shellWord(`${place}${cluster}/2`)} | awk 'END {print $2}')`,
    `echo $B; aws s3 cp --recursive${options} ${from}$B .`,
  ];
}

const heading = (text: string): Block => ({ kind: 'heading', level: 2, text });
const paragraph = (text: string): Block => ({ kind: 'paragraph', text });
const list = (items: string[]): Block => ({ kind: 'list', items });
const table = (columns: string[], rows: string[][]): Block => ({ kind: 'table', columns, rows });
