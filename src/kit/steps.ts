import { methodOf } from '../contract/method';
import type { Manifest } from '../contract/generation';
import { shellWord } from '../contract/shell-word';
import type { Block } from '../paper/paper';
import { restoreMd } from '../repository/restore-md/restore-md';
import { wordsOf } from '../repository/restore-md/words';
import type { KitFacts } from './facts';

/** Where the two are put that are not in a backup. */
export const IDENTITY_FILE = 'identity.txt';
export const AUTHORITIES_FILE = 'ca.pem';
export const SIGNING_FILE = 'signing-key.pub.pem';

/** From the first check on, the steps are those of RESTORE.md, with what is known of this cluster in place of its gaps. */
export function restoreSteps(facts: KitFacts, backup: Manifest): Block[] {
  const text = restoreMd(backup);
  const steps = text.slice(text.indexOf('\n## 1.') + 1);
  return withoutLists(blocksOf(steps)).map((block) =>
    block.kind === 'code' ? filledIn(block, facts, backup) : named(block, facts, backup),
  );
}

/** Recipients and nodes are on the first page. */
function withoutLists(blocks: readonly Block[]): Block[] {
  return blocks.filter(({ kind }, at) => kind !== 'list' && blocks[at + 1]?.kind !== 'list');
}

/** As far as RESTORE.md uses Markdown. */
function blocksOf(markdown: string): Block[] {
  // Code may have empty lines.
  const parts = markdown.split(/^```(?:sh)?\n([^]*?)^```$/m);
  return parts.flatMap((part, index) =>
    index % 2 === 1
      ? [{ kind: 'code' as const, lines: part.trimEnd().split('\n') }]
      : part.split(/\n{2,}/).flatMap(proseOf),
  );
}

function proseOf(text: string): Block[] {
  const lines = text.trim().split('\n');
  const heading = /^## (.*)$/.exec(lines[0] ?? '')?.[1];
  if (heading !== undefined) return [{ kind: 'heading', level: 3, text: plain(heading) }];
  if (lines.every((line) => line.startsWith('- ')))
    return [{ kind: 'list', items: lines.map((line) => plain(line.slice(2))) }];
  const prose = plain(lines.join(' '));
  return prose === '' ? [] : [{ kind: 'paragraph', text: prose }];
}

function plain(text: string): string {
  return text.replaceAll('**', '').replaceAll('`', "'");
}

function named<B extends Block>(block: B, facts: KitFacts, backup: Manifest): B {
  if (block.kind !== 'paragraph') return block;
  const text = block.text
    .replace(' (unit and data directory as in your configuration)', '')
    .replace("; CA.pem is the CA of the servers' certificates (omit the option if the host trusts it)", '');
  return { ...block, text: inPlace(text, facts, backup) };
}

function filledIn(block: Block & { kind: 'code' }, facts: KitFacts, backup: Manifest): Block {
  const { variable } = wordsOf(backup);
  // They are set once for all steps.
  const lines = block.lines.filter((line) => !line.startsWith(`export ${variable}=`));
  return { ...block, lines: lines.map((line) => inPlace(inCode(line, facts), facts, backup)) };
}

/** Gaps that stand in commands alone. */
function inCode(line: string, { nodes, consul, authorities }: KitFacts): string {
  const [first] = nodes;
  // They stand within quotes.
  const word = (value: string | undefined, gap: string) => (/^[\w.:[\]-]+$/.test(value ?? '') ? value! : gap);
  return (authorities === null ? line.replace('-leader-ca-cert=@CA.pem ', '') : line)
    .replaceAll('SIGNING-PUBLIC-KEY.pem', SIGNING_FILE)
    .replaceAll('"NODE_ID"', () => `"${word(first?.nodeId, 'NODE_ID')}"`)
    .replaceAll('CLUSTER_ADDRESS', () => word(first?.clusterAddress, 'CLUSTER_ADDRESS'))
    .replaceAll('https://ADDRESS-OF-CONSUL:8501', (gap) => (consul === null ? gap : shellWord(consul)));
}

/** What is the same on every node stands there; for the rest a variable that is set on each. */
function inPlace(line: string, facts: KitFacts, backup: Manifest): string {
  const dataDir = sameOf(facts.nodes.map((node) => node.dataDir));
  const unit = sameOf(unitsOf(facts, backup));
  return line
    .replaceAll(/\bIDENTITY\b/g, IDENTITY_FILE)
    .replaceAll('DATA_DIR', () => (dataDir === null ? '$DATA_DIR' : shellWord(dataDir)))
    .replaceAll('CA.pem', AUTHORITIES_FILE)
    .replaceAll('https://ADDRESS-OF-THE-FIRST-NODE:8200', () => shellWord(facts.nodes[0]?.address ?? ''))
    .replaceAll(
      /(systemctl \w+) (?:vault|openbao)\b/g,
      (_gap, does: string) => `${does} ${unit === null ? '$UNIT' : shellWord(unit)}`,
    )
    .replace('cluster id from above', 'cluster id in B')
    .replace('release from above', 'release in E');
}

/** What is another on each node. */
export function hostVariables(facts: KitFacts, backup: Manifest): Block[] {
  const { nodes, authorities } = facts;
  const { variable } = wordsOf(backup);
  const units = unitsOf(facts, backup);
  const hasDataDir = methodOf(backup) !== 'consul' && sameOf(nodes.map(({ dataDir }) => dataDir)) === null;
  const hasUnit = sameOf(units) === null;
  const lines = nodes.map(({ name, address, dataDir }, at) => {
    const set = [
      `${variable}=${shellWord(address)}`,
      ...(authorities === null ? [] : [`${variable.replace('ADDR', 'CACERT')}=${AUTHORITIES_FILE}`]),
      ...(hasDataDir ? [`DATA_DIR=${shellWord(dataDir ?? 'PATH-OF-ITS-STORAGE')}`] : []),
      ...(hasUnit ? [`UNIT=${shellWord(units[at] ?? '')}`] : []),
    ];
    return `export ${set.join(' ')}   # on ${name}`;
  });
  return [
    { kind: 'paragraph', text: 'On each node, in each shell that is opened there:' },
    { kind: 'code', lines },
  ];
}

/** Where nobody has named it, or something else than systemd starts Vault, it is called as its package calls it. */
function unitsOf({ nodes }: KitFacts, backup: Manifest): string[] {
  return nodes.map(({ unit }) => unit ?? wordsOf(backup).unit);
}

/** Null if they differ, or are unknown. */
function sameOf<T>(values: readonly (T | null)[]): T | null {
  const [first = null] = values;
  return values.every((value) => value === first) ? first : null;
}
