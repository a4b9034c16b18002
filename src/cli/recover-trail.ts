import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { appendRecord } from '../audit/audit-trail';
import type { AuditRecord } from '../audit/audit-record';
import type { Config } from '../config/schema';
import { isDrError } from '../contract/failures';
import type { RecoverCliOptions } from './recover-request';

/** What is recorded of secrets that are read at this host's terminal: names and keys, no values. */
export class RecoverTrail {
  readonly #run = randomBytes(8).toString('hex');
  #count = 0;

  constructor(
    private readonly config: Config,
    private readonly options: RecoverCliOptions,
    private readonly generation: string,
  ) {}

  async note(action: string, outcome: AuditRecord['outcome'], more: object = {}): Promise<void> {
    const {
      cluster,
      as: actor,
      path: paths,
      versions,
      deleted = false,
      recipient: recipients,
      writeBack = false,
    } = this.options;
    const at = new Date().toISOString();
    await appendRecord(join(this.config.stateDir, 'audit.jsonl'), {
      id: `${this.#run}/${++this.#count}`,
      at,
      recordedAt: at,
      actor,
      action: `recover.${action}`,
      cluster,
      run: this.#run,
      outcome,
      details: { generation: this.generation, paths, versions, deleted, recipients, writeBack, ...more },
    });
  }

  /** What it failed with matters more than that it is not recorded. */
  async failed(error: unknown): Promise<void> {
    const code = isDrError(error) ? error.code : 'Internal';
    await this.note('done', 'failure', { code }).catch(() => undefined);
  }
}
