import { clusterOf, loadConfig } from '../config/load';
import { controllerName } from '../config/controller-name';
import { readPrivateKey } from '../config/secret';
import { DrError } from '../contract/failures';
import { formatBytes, formatCount } from '../contract/format';
import { printable } from '../contract/printable';
import { evidenceOf } from '../evidence/document';
import { parsePeriod, type Period } from '../evidence/period';
import type { EvidenceDocument, EvidenceVerdict } from '../evidence/schema';
import { style } from '../terminal';
import { VERSION } from '../version';
import { type BackupOptions, loadListing } from './backups-listing';
import { gatherFacts } from './evidence-facts';
import { EVIDENCE_FILES, writeEvidence } from './evidence-files';
import { note, print, printJson } from './output';
import { EXIT } from './program';

export interface EvidenceOptions extends BackupOptions {
  from: string;
  to?: string;
  as: string;
  directory?: string;
  pdf?: boolean;
  /** False: only what can be known without reading copies. */
  read: boolean;
}

const EXIT_OF: Record<EvidenceVerdict, number> = {
  met: EXIT.ok,
  'not met': EXIT.notReady,
  'not checked': EXIT.unchecked,
};
const MARK_OF = {
  met: ['green', '✓'],
  'not met': ['red', '✗'],
  'not checked': ['yellow', '?'],
} as const;

/** From the repositories and this host's own trail: needs neither Temporal nor Vault. */
export async function runEvidence(options: EvidenceOptions): Promise<void> {
  const now = new Date();
  const { period, problems } = parsePeriod(options.from, options.to, now);
  if (period === null) throw new DrError('InvalidInput', `${problems.join('; ')}.`, { where: 'period' });
  const config = await loadConfig(options.config);
  clusterOf(config, options.cluster);
  // Before anything is read, of which there may be much.
  const privateKey = await readPrivateKey(config);
  const listing = await loadListing(options);
  const createdBy = { product: `vault-dr ${VERSION}`, controller: controllerName(config), person: options.as };
  const facts = await gatherFacts(listing, {
    cluster: options.cluster,
    period,
    createdAt: now.toISOString(),
    createdBy,
    read: options.read,
    onReading: (copies, bytes) =>
      note(`Reading ${formatCount(copies, 'copy', 'copies')} end to end (${formatBytes(bytes)}).`),
  });
  const directory = options.directory ?? directoryOf(options.cluster, period);
  const evidence = evidenceOf(facts);
  const keys = { privateKey, publicKey: listing.publicKey };
  await writeEvidence(directory, evidence, { ...keys, pdf: options.pdf === true });
  process.exitCode = EXIT_OF[evidence.verdict];
  if (options.json) printJson('evidence', evidence);
  else print(render(evidence));
  const { sums, signature } = EVIDENCE_FILES;
  const key = printable(config.signing.publicKeyFile);
  note(`\nWritten to ${printable(directory)}. To check it there, with nothing of vault-dr:`);
  note(`  openssl pkeyutl -verify -pubin -inkey ${key} -rawin -in ${sums} -sigfile ${signature}`);
  note(`  sha256sum -c ${sums}`);
}

function render({ cluster, verdict, checks }: EvidenceDocument): string {
  const [colour, mark] = MARK_OF[verdict];
  const met = checks.filter((one) => one.verdict === 'met').length;
  return [
    style(colour, `${mark} ${cluster}: ${verdict}; ${met} of ${checks.length} checks are met`),
    '',
    ...checks.map((one) => {
      const [ofCheck, sign] = MARK_OF[one.verdict];
      return `${style(ofCheck, `${sign} ${one.check}`)}: ${one.verdict === 'not checked' ? 'not checked: ' : ''}${printable(one.seen)}`;
    }),
  ].join('\n');
}

function directoryOf(cluster: string, { from, to }: Period): string {
  const [first, last] = [from, to].map((time) => time.replace(/\.\d+Z$/, 'Z').replaceAll(/[-:]/g, ''));
  return `evidence-${cluster}-${first}-${last}`;
}
