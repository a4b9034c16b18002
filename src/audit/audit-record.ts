import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json';
import { DrError } from '../contract/failures';

/** As sent by a workflow. Whoever can start a workflow can send any. */
export interface AuditRecord {
  /** Identifies the act, not the attempt: a repeated attempt has the same id and adds nothing. */
  id: string;
  /** RFC 3339, UTC. */
  at: string;
  actor: string;
  action: string;
  cluster: string;
  run: string;
  outcome: 'success' | 'failure' | 'info';
  /** Contains no secret. */
  details: Record<string, unknown>;
}

/** Who requested the activity, as Temporal tells the worker. */
export interface Sender {
  /** Workflow id. */
  id: string;
  run: string;
  type: string;
}

/** What the worker knows about a record. Absent in lines of vault-dr's own, and of earlier versions. */
export interface Witness {
  workflow?: Sender;
  /** RFC 3339, UTC, by the worker's clock. */
  recordedAt?: string;
}

export type WitnessedRecord = AuditRecord & Witness;

/** One line of the file. */
export interface AuditLine extends WitnessedRecord {
  /** 1 for the first line. */
  seq: number;
  /** SHA-256 of the line before, without its line end; null for the first. */
  prev: string | null;
}

export const CONFLICT = 'audit.conflict';
/** Many times the size of any record of vault-dr. */
const LONGEST_RECORD = 256 * 1024;
/** Limit for a record that is kept in the one about its conflict. */
const LONGEST_KEPT = 16 * 1024;

/**
 * Adds what the worker knows. The id must belong to the run that sends it: under another run's id it would displace that
 * run's line.
 * @throws DrError InvalidInput when no workflow asked for it, or it is too large.
 */
export function witnessed(record: AuditRecord, workflow: Sender | undefined, now = new Date()): WitnessedRecord {
  if (workflow === undefined) {
    throw new DrError('InvalidInput', 'A record for the audit trail came from no workflow, and was not written.', {
      advice: 'Find out who sends activities to the controller by hand: nothing of vault-dr does.',
    });
  }
  try {
    canonicalJson(record, LONGEST_RECORD);
  } catch (cause) {
    const problem = `A record for the audit trail was not written: ${(cause as Error).message}.`;
    throw new DrError('InvalidInput', problem, { advice: `Look at the workflow ${workflow.id}.`, cause });
  }
  const id = record.id.startsWith(`${workflow.run}/`) ? record.id : `${workflow.run}/claimed/${record.id}`;
  return { ...record, id, workflow, recordedAt: now.toISOString() };
}

/** SHA-256 of a record, without the time and origin of its arrival. */
export function contentHash({ id, at, actor, action, cluster, run, outcome, details }: AuditRecord): string {
  const content = canonicalJson({ id, at, actor, action, cluster, run, outcome, details });
  return createHash('sha256').update(content).digest('hex');
}

/** The record about one whose id is taken by a different record. It keeps the record that could not be written. */
export function conflictOf(known: AuditRecord, other: WitnessedRecord): WitnessedRecord {
  const [kept, refused] = [contentHash(known), contentHash(other)];
  const { id, cluster, run, workflow, recordedAt } = other;
  const record = JSON.stringify(other).length > LONGEST_KEPT ? null : other;
  return {
    id: `conflict-${refused}`,
    at: recordedAt ?? other.at,
    actor: 'vault-dr',
    action: CONFLICT,
    cluster,
    run,
    outcome: 'failure',
    details: { id, kept, refused, record },
    ...(workflow && { workflow }),
    ...(recordedAt !== undefined && { recordedAt }),
  };
}
