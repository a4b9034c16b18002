import { join } from 'node:path';
import { type AuditHead, checkHeads, readHeads, type StoredHeads } from '../audit/audit-heads';
import type { AuditLine } from '../audit/audit-record';
import { trailHead, type TrailReport, verifyTrail } from '../audit/audit-trail';
import { checkOthers, linesOf, othersAmong, type OtherTrail } from '../audit/other-trails';
import { type CopiedTrail, joinCopies, readCopies } from '../audit/trail-copies';
import { controllerName } from '../config/controller-name';
import { repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { isDrError } from '../contract/failures';
import { openRepository } from '../repository/open';

export interface KeptHeads extends StoredHeads {
  /** Trails of all controllers, as the repositories have them. */
  copies: CopiedTrail[];
  unanswered: { repository: string; problem: string }[];
}

const NOTHING_KEPT: KeptHeads = { heads: [], problems: [], copies: [], unanswered: [] };

/** A trail, and those of other controllers, held against what the repositories keep of them. */
export interface CheckedTrail {
  report: Omit<TrailReport, 'hashes' | 'entries'>;
  entries: AuditLine[];
  others: OtherTrail[];
  /** Of those the copies. */
  foreign: CopiedTrail[];
  heads: AuditHead[];
  kept: ReturnType<typeof checkHeads>;
  unanswered: KeptHeads['unanswered'];
}

/** Of the controller of this host. */
export function auditFileOf(config: Config | null): string {
  return join(config?.stateDir ?? '', 'audit.jsonl');
}

/**
 * @param config null: of the repositories nothing is compared
 * @param clusters whose repositories keep something of it; default: all
 * @throws DrError if the file can't be read
 */
export async function checkTrail(trail: string, config: Config | null, clusters?: string[]): Promise<CheckedTrail> {
  const { heads, problems, copies, unanswered } = config ? await keptIn(config, clusters) : NOTHING_KEPT;
  const first = (await trailHead(trail))?.trail;
  const foreign = config ? othersAmong(copies, { first, name: controllerName(config) }) : [];
  const { hashes, entries, ...report } = await verifyTrail(trail, foreign.flatMap(linesOf));
  const others = checkOthers(foreign, heads, { first, lines: entries });
  const names = config ? { controller: controllerName(config) } : {};
  const checked = checkHeads({ hashes }, heads, names);
  const kept = { ...checked, problems: [...checked.problems, ...problems] };
  return { report, entries, others, foreign, heads, kept, unanswered };
}

/** The same of a host without a trail of its own: the trails of all controllers, as the repositories have them. */
export async function checkCopies(config: Config, clusters: string[]): Promise<CheckedTrail> {
  const { heads, problems, copies, unanswered } = await keptIn(config, clusters);
  const foreign = joinCopies(copies);
  return {
    report: { records: 0, head: null, problems: [], findings: [] },
    entries: [],
    others: checkOthers(foreign, heads, { first: undefined, lines: [] }),
    foreign,
    heads,
    kept: { matching: 0, problems },
    unanswered,
  };
}

/** What the repositories keep of all trails. */
async function keptIn(config: Config, clusters = Object.keys(config.clusters)): Promise<KeptHeads> {
  const kept: KeptHeads = { heads: [], problems: [], copies: [], unanswered: [] };
  for (const cluster of clusters) {
    for (const name of config.clusters[cluster]?.repositories ?? []) {
      try {
        const repository = await openRepository(name, repositoryConfigOf(config, name));
        const [stored, copies] = await Promise.all([readHeads(repository, cluster), readCopies(repository, cluster)]);
        kept.heads.push(...stored.heads);
        kept.copies.push(...copies);
        kept.problems.push(...stored.problems);
      } catch (error) {
        if (!isDrError(error)) throw error;
        kept.unanswered.push({ repository: name, problem: error.message });
      }
    }
  }
  return kept;
}
