import { join } from 'node:path';
import type { ClusterConfig, HostedNode } from '../../src/config/schema';
import { DrError } from '../../src/contract/failures';
import type { RecoveryPlan, RestorePlan } from '../../src/contract/plan';
import type { ApprovedPlan } from '../../src/contract/recovery';
import { problemOfStaged } from '../../src/crypto/agent-key';
import { problemsOfApproval, signaturesDecide } from '../../src/crypto/approved-plan';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { privateDirectory } from '../../src/files/files';
import { readOwnFile } from '../../src/files/own-files';
import { type HostAction, whyNotAllowed, whyNotForBackup } from '../../src/plan/host-actions';
import { planHashOf } from '../../src/plan/hash';
import { parseManifest } from '../../src/repository/manifest';

/** In the directory of the run, which belongs to the agent. */
const FILE = 'approved.json';
/** Manifest of the staged backup, once all of it is verified. */
export const STAGED_MANIFEST = 'manifest.json';

/** The parts of the host's own configuration that decide. */
export interface OwnConfiguration {
  clusterName: string;
  cluster: ClusterConfig;
  node: HostedNode;
}

/**
 * Whether people have approved what the agent is asked to do. Anybody who can write to Temporal can ask for anything;
 * this host does what its own configuration allows: the plan that its approvers have signed, and nothing else.
 */
export class HostApproval {
  /** @param isBackup whether the run that asks now is part of a backup, in Temporal's own word */
  constructor(
    private readonly own: OwnConfiguration,
    private readonly isBackup: () => boolean = () => false,
  ) {}

  /**
   * Accepts an approved plan. It must be accepted before it expires; the recovery itself may last longer.
   * @param directory of the run
   * @param now by Temporal's clock, in milliseconds since the epoch: that of the host may be days off
   * @throws DrError NotApproved
   */
  async accept(run: string, directory: string, approved: ApprovedPlan | null, now: number): Promise<void> {
    if (this.isBackup()) return this.#assertConsent({ kind: 'stop for backup' });
    if (!this.#signaturesDecide) return;
    const plan = this.#verified(run, approved);
    const known = readApproved(directory);
    const isKnown = known !== null && planHashOf(known.plan) === planHashOf(plan);
    // Also if the time can't be parsed.
    if (!isKnown && !(now < Date.parse(approved?.expires ?? ''))) {
      throw this.#notApproved(
        `the approvals were valid until ${approved?.expires}`,
        'Nothing was changed. Abort and start again: it is planned again and needs new approvals.',
      );
    }
    await privateDirectory(directory);
    await writeFileAtomically(join(directory, FILE), `${JSON.stringify(approved)}\n`);
  }

  /**
   * To be called before each step that changes this host; verifies the signatures again.
   * @throws DrError NotApproved
   */
  async assertAllowed(run: string, directory: string, action: HostAction): Promise<void> {
    if (this.isBackup()) return this.#assertConsent(action);
    if (!this.#signaturesDecide) return this.#assertNoBackup(action);
    const plan = this.#verified(run, readApproved(directory));
    const { clusterName: cluster, node } = this.own;
    const reason = whyNotAllowed(plan, { cluster, name: node.name, dataDir: node.dataDir }, action);
    if (reason !== null) throw this.#notApproved(reason);
    if (action.kind !== 'set aside' || plan.method !== 'snapshot') return;
    if (node.name === plan.firstNode) await this.#assertStaged(directory, plan);
    else if (action.how === 'delete') this.#assertStagedThere(run, plan, action.staged);
  }

  /** Nothing is removed before its replacement was verified on this disk, in whatever order steps are requested. */
  async #assertStaged(directory: string, { generation }: RestorePlan): Promise<void> {
    const text = readOwnFile(join(directory, STAGED_MANIFEST));
    if (text !== null && parseManifest(Buffer.from(text)).generation === generation) return;
    throw this.#notApproved(`the backup ${generation}, which replaces its data, is not on its disk yet`);
  }

  /** A follower renames with the approval alone; it deletes only with a signed statement of the first node's agent. */
  #assertStagedThere(run: string, plan: RestorePlan, signature: string | null): void {
    const { firstNode, generation, manifestSha256 } = plan;
    const { clusterName, cluster } = this.own;
    const publicKey = cluster.nodes.find(({ name }) => name === firstNode)?.agentPublicKey;
    const staged = { run, generation, manifestSha256 };
    const problem = problemOfStaged(publicKey, clusterName, firstNode, staged, signature);
    if (problem === null) return;
    throw this.#notApproved(
      `its data is deleted only once the backup ${generation} is on the disk of ${firstNode}, but ${problem}`,
      `Nothing was changed. Compare agentPublicKey with \`vault-dr agent-key\` on ${firstNode}; if they match, somebody is tampering with the run: alert security.`,
    );
  }

  /** A backup needs nobody's signature, and gets nothing done that this host's own configuration does not allow for backups. */
  #assertConsent(action: HostAction): void {
    const { cluster, node } = this.own;
    const reason = whyNotForBackup(cluster, node.name, action);
    if (reason === null) return;
    throw new DrError('NotApproved', `${node.name} refused what a backup asked for: ${reason}.`, {
      where: node.name,
      advice: `Nothing was changed. Compare \`method\` and \`filesystem\` on ${node.name} with the controller's. If they match, somebody is tampering with the run: alert security.`,
    });
  }

  /** What only a backup does is done for no other run, whoever is trusted. */
  #assertNoBackup({ kind }: HostAction): void {
    if (kind !== 'stop for backup' && kind !== 'archive' && kind !== 'publish') return;
    throw this.#notApproved('no backup asked for it');
  }

  get #signaturesDecide(): boolean {
    return signaturesDecide(this.own.cluster);
  }

  #verified(run: string, approved: ApprovedPlan | null): RecoveryPlan {
    if (approved === null) throw this.#notApproved('no approved plan was sent to this host');
    const problems = problemsOfApproval(
      this.own.clusterName,
      this.own.cluster,
      run,
      approved,
      planHashOf(approved.plan),
    );
    if (problems.length > 0) throw this.#notApproved(problems.join('; '));
    return approved.plan;
  }

  #notApproved(reason: string, advice?: string): DrError {
    const { name } = this.own.node;
    return new DrError('NotApproved', `${name} refused an action that its approvers have not signed: ${reason}.`, {
      notice: 'approval-not-valid-here',
      where: name,
      advice:
        advice ??
        `Nothing was changed. Compare restore.approvers on ${name} with the controller's. If they match, somebody is tampering with the run: alert security.`,
    });
  }
}

function readApproved(directory: string): ApprovedPlan | null {
  const text = readOwnFile(join(directory, FILE));
  return text === null ? null : (JSON.parse(text) as ApprovedPlan);
}
