import { join } from 'node:path';
import { log } from '@temporalio/activity';
import { publishHead } from '../../src/audit/audit-heads';
import { witnessed } from '../../src/audit/audit-record';
import { appendRecord, trailHead } from '../../src/audit/audit-trail';
import { copyLines } from '../../src/audit/trail-copies';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { sender } from '../heartbeat';
import type { Controller } from './context';

export function auditFileOf({ config }: Controller): string {
  return join(config.stateDir, 'audit.jsonl');
}

/** Adds a record to this controller's trail, with what Temporal says of who sent it; it is on disk afterwards. */
export async function recordAudit(controller: Controller, record: ControllerInput<'recordAudit'>): Promise<void> {
  const outcome = await appendRecord(auditFileOf(controller), witnessed(record, sender()));
  if (outcome === 'conflict')
    log.warn('two records for the audit trail have one id: one of them is forged', { id: record.id });
}

/** What this process has copied, by trail and place: which line was the last, and how many there were. */
const copied = new Map<string, { sha256: string; lines: number }>();

/** Copies the head and the new lines of this controller's trail to where somebody who can change the trail can't reach them. */
export async function publishTrail(
  controller: Controller,
  cluster: string,
  repositoryName: string,
  signal?: AbortSignal,
): Promise<void> {
  const file = auditFileOf(controller);
  const place = JSON.stringify([file, cluster, repositoryName]);
  const known = copied.get(place);
  const head = await trailHead(file);
  if (head !== null && head.sha256 === known?.sha256) return;
  // What fails halfway is looked up again.
  copied.delete(place);
  const repository = await controller.repositoryOf(cluster, repositoryName);
  const { name } = controller;
  const options = signal === undefined ? {} : { signal };
  const lines = await copyLines(file, repository, cluster, name, options, known?.lines);
  await publishHead(file, repository, cluster, { ...options, controller: name });
  if (head !== null) copied.set(place, { sha256: head.sha256, lines });
}

/** Whoever writes the last line of a run need not be asked for its head: each controller sees to its own trail. */
export class TrailKeeper {
  /** SHA-256 of the last line that is in all repositories. */
  #published: string | null = null;

  constructor(private readonly controller: Controller) {}

  /** @returns whether anything was new. @throws the first problem; the other repositories have it nevertheless. */
  async publish(signal: AbortSignal): Promise<boolean> {
    const head = await trailHead(auditFileOf(this.controller));
    if (head === null || head.sha256 === this.#published) return false;
    const { clusters } = this.controller.config;
    const places = Object.entries(clusters).flatMap(([cluster, { repositories }]) =>
      repositories
        .filter((repository) => this.controller.servedElsewhere(repository) === null)
        .map((repository) => ({ cluster, repository })),
    );
    const results = await Promise.allSettled(
      places.map(({ cluster, repository }) => publishTrail(this.controller, cluster, repository, signal)),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
    this.#published = head.sha256;
    return true;
  }
}
