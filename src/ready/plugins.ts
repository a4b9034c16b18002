import { formatCount } from '../contract/format';
import type { NodeReport } from '../contract/host';
import type { CataloguePlugin } from '../contract/plan';
import { pluginWarnings } from '../plan/config-findings';
import type { Check } from './facts';
import { listed, no, unchecked, yes } from './finding';

/** More of one node say nothing else. */
const MOST_NAMED = 10;

/**
 * External ones have no place in a snapshot; a mount whose plugin is missing is skipped silently. Vault's catalogue knows
 * the hash of each, where vault-dr's login may read it; by the names in the backup alone nothing but files can be found
 * that are named so.
 */
export const plugins: Check = ({ backups, live, inspections }) => {
  const wanted = backups.result?.chosen?.copy.manifest.reach?.plugins ?? [];
  if (wanted.length === 0) return null;
  const catalogue = live.result?.plugins?.filter(({ plugin }) => wanted.includes(plugin));
  const seen = inspections.map(({ node, report }) => ({
    node,
    ...(report ? onNode(report, wanted, catalogue) : SILENT),
  }));
  const absent = seen.flatMap(({ node, missing }) => (missing === null ? [] : [`${node}: ${missing}`]));
  if (absent.length > 0) {
    return no(
      listed(absent),
      'Put the file with the SHA-256 that the catalogue has (vault plugin info TYPE NAME) into plugin_directory of each ' +
        'node. A version that nothing uses any more: vault plugin deregister -version=VERSION TYPE NAME',
    );
  }
  const gaps = seen.flatMap(({ node, gap }) => (gap === null ? [] : [`${node}: ${gap}`]));
  if (gaps.length > 0) {
    return unchecked(listed(gaps), 'Start or upgrade those agents, and give them access to what they could not see.');
  }
  const what = formatCount(wanted.length, 'external plugin');
  const uncompared = listed(seen.flatMap(({ uncompared: why }) => why ?? []));
  return uncompared === ''
    ? yes(`${what} of the backup have files with their SHA-256 on every node`)
    : yes(
        `${what} of the backup have files of their names on every node; their hashes were not compared: ${uncompared}`,
      );
};

interface OnNode {
  /** Says that the catalogue's file is not there. */
  missing: string | null;
  gap: string | null;
  /** Why names are all that was compared. */
  uncompared: string | null;
}

const SILENT: OnNode = { missing: null, gap: 'its agent does not answer', uncompared: null };

function onNode(
  report: NodeReport,
  wanted: readonly string[],
  catalogue: readonly CataloguePlugin[] | undefined,
): OnNode {
  const found = report.config?.server?.plugins;
  const { sha256, unhashed = 0 } = found ?? {};
  const isKnown = catalogue !== undefined && sha256 !== undefined;
  const lacking = isKnown ? catalogue.filter((plugin) => !sha256.includes(plugin.sha256)) : [];
  if (lacking.length > 0) {
    const text = `${found?.directory ?? ''} has no file with the SHA-256 of ${namesOf(lacking)}`;
    if (unhashed === 0) return { missing: text, gap: null, uncompared: null };
    const rest = `${formatCount(unhashed, 'entry', 'entries')} of it could not be hashed`;
    return { missing: null, gap: `${text}, but ${rest}`, uncompared: null };
  }
  // By its hash, whatever its name.
  const unnamed = isKnown ? wanted.filter((plugin) => !catalogue.some((known) => known.plugin === plugin)) : wanted;
  const gap = pluginWarnings(report, unnamed)[0]?.replace(/^not checked: /, '') ?? null;
  const why =
    catalogue === undefined
      ? "vault-dr's login could not read Vault's catalogue (docs/vault-dr-policy.hcl has what it needs)"
      : sha256 === undefined
        ? 'agents of an earlier version do not say them'
        : `Vault's catalogue has none of ${unnamed.slice(0, MOST_NAMED).join(', ')}`;
  return { missing: null, gap, uncompared: unnamed.length === 0 ? null : why };
}

function namesOf(all: readonly CataloguePlugin[]): string {
  const named = all
    .slice(0, MOST_NAMED)
    .map(({ plugin, version }) => (version === '' ? plugin : `${plugin} ${version}`));
  const more = all.length > MOST_NAMED ? `, and ${all.length - MOST_NAMED} more` : '';
  return `${named.join(', ')}${more}`;
}
