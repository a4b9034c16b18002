import { join } from 'node:path';
import { Context } from '@temporalio/activity';
import type { ClusterConfig, Config, HostedNode } from '../../src/config/schema';
import { runName, WORKFLOW } from '../../src/contract/names';
import type { Validity } from '../../src/contract/host';
import type { RunClaim } from '../../src/contract/recovery';
import { belowRoot } from '../../src/files/below-root';
import { BackupStops } from '../../src/host/run/backup-stop';
import { AttemptGate, type Attempt } from '../../src/host/run/attempt';
import { assertClaim } from '../../src/host/run/claim';
import { watchLoading } from '../../src/host/data/loading';
import { startOf } from '../../src/host/service/read-server';
import type { ServiceDriver } from '../../src/host/service/service-driver';
import type { HostAction } from '../../src/plan/host-actions';
import type { SealStatus } from '../../src/vault/answers';
import type { VaultClient, VaultClientOptions } from '../../src/vault/client';
import type { ServerStart } from '../../src/vault/config/server-start';
import { readServerConfig } from '../../src/vault/config/vault-config';
import { connectLocally } from '../../src/vault/connect-node';
import { loadLimitMs } from '../../src/vault/load-limits';
import { ownWorkflow } from '../caller';
import { cancellation, type Report, reportWait, withHeartbeats } from '../heartbeat';
import { retry, type PollOptions, pollUntil } from '../poll';
import { HostApproval } from './approved';
import { knownFromLog } from './known-from-log';

const START_KNOWN_FOR_MS = 60_000;

export interface NodeDeps {
  config: Config;
  clusterName: string;
  cluster: ClusterConfig;
  node: HostedNode;
  driver: ServiceDriver;
  /**
   * Asks Temporal about the current attempt. @returns when its run was started, by Temporal's clock.
   * @throws DrError NotApproved; NodeFenced if Temporal has given up the attempt.
   */
  confirmAttempt: () => Promise<Pick<RunClaim, 'startedAt'>>;
  /** Of the certificates with which the agent connects to Temporal; absent: it does not. */
  connectionValidity?: () => Validity[];
  /** Asks Temporal whether another recovery of the cluster has ended or does not exist. */
  isOver: (run: string) => Promise<boolean>;
  /** Where each attempt is a process of its own: waits until no other one changes this host. @throws DrError NodeFenced */
  takeTurn?: (order: string, signal: AbortSignal) => Promise<void>;
  /** What backups have stopped here, if somebody else looks after it as well. */
  stops?: BackupStops;
}

/** Shared by the steps of one host. */
export class NodeHost {
  readonly approval: HostApproval;
  readonly stops: BackupStops;
  readonly #gate: AttemptGate;
  #lastStart: { at: number; start: Promise<ServerStart> } | null = null;

  constructor(readonly deps: NodeDeps) {
    this.approval = new HostApproval(deps, () => ownWorkflow() === WORKFLOW.copyNode);
    this.stops = deps.stops ?? new BackupStops(deps.node, deps.driver);
    this.#gate = new AttemptGate(deps.node.name);
  }

  get node(): HostedNode {
    return this.deps.node;
  }

  get driver(): ServiceDriver {
    return this.deps.driver;
  }

  /** Directory of a run on this host. */
  async runDirectory(run: string): Promise<string> {
    return belowRoot(join(this.node.stateDir, 'runs'), runName(run));
  }

  /**
   * Runs a step that changes the host, if the approved plan allows it. A failure after a newer attempt has begun is
   * reported as NodeFenced.
   * @throws DrError NotApproved; NodeFenced if the node belongs to another run, or the attempt was given up.
   */
  async step<T>(claim: RunClaim, action: HostAction, act: (attempt: Attempt) => Promise<T>): Promise<T> {
    await this.approval.assertAllowed(claim.run, await this.runDirectory(claim.run), action);
    const attempt = await this.#begin(claim);
    try {
      return await act(attempt);
    } catch (error) {
      attempt.signal.throwIfAborted();
      throw error;
    }
  }

  /** Runs a step without countable progress and sends heartbeats meanwhile. */
  stepWithHeartbeats<T>(
    claim: RunClaim,
    action: HostAction,
    act: (attempt: Attempt, report: Report) => Promise<T>,
  ): Promise<T> {
    return this.step(claim, action, (attempt) => withHeartbeats(action.kind, (report) => act(attempt, report)));
  }

  /** The same with retries. */
  retry<T>(claim: RunClaim, action: HostAction, act: (attempt: Attempt) => Promise<T>): Promise<T> {
    return this.stepWithHeartbeats(claim, action, (attempt, report) =>
      retry({ signal: attempt.signal, report }, () => act(attempt)),
    );
  }

  async #begin(claim: RunClaim): Promise<Attempt> {
    const { startedAt } = await assertClaim(this.node.stateDir, this.node.name, claim.run);
    const { currentAttemptScheduledTimestampMs, heartbeatTimeoutMs } = Context.current().info;
    // By run, then by Temporal's clock: an attempt that was frozen before it began is not the newest.
    const order = `${startedAt} ${String(currentAttemptScheduledTimestampMs).padStart(15, '0')}`;
    const begun = this.#gate.begin(cancellation(), {
      order,
      // Heartbeats are sent every two to four seconds, so Temporal can't have given up the attempt within this time.
      ...(heartbeatTimeoutMs === undefined ? {} : { leaseMs: heartbeatTimeoutMs / 2 }),
    });
    await this.deps.takeTurn?.(order, begun.signal);
    // Within the lease, so that the answer is not outdated either.
    await this.deps.confirmAttempt();
    begun.assertCurrent();
    return { ...begun, onWait: (what) => reportWait(what) };
  }

  /** A client for this host's Vault; closed when the work is done. */
  async withVault<T>(work: (vault: VaultClient) => Promise<T>, options?: VaultClientOptions): Promise<T> {
    const server = await readServerConfig(this.node.configFiles, await this.#start());
    const vault = await connectLocally(this.deps.cluster, this.node, options, server);
    try {
      return await work(vault);
    } finally {
      await vault.close();
    }
  }

  /** Vault is asked every second as long as a run lasts; service manager and processes are not. */
  async #start(): Promise<ServerStart> {
    if (this.#lastStart === null || Date.now() - this.#lastStart.at > START_KNOWN_FOR_MS) {
      this.#lastStart = { at: Date.now(), start: startOf(this.driver, this.node.dataDir) };
    }
    return this.#lastStart.start;
  }

  /** Waits until this host's Vault answers at all: it first reads all of its data. */
  async waitForVault(vault: VaultClient, attempt: Attempt): Promise<SealStatus> {
    return this.pollVault(`Vault on ${this.node.name} to answer`, attempt, () => vault.sealStatus(), {
      notice: 'vault-not-starting',
    });
  }

  /** Asks until the answer is neither null nor an error, for as long as this host's Vault may be loading its data. */
  async pollVault<T>(
    what: string,
    { signal }: Attempt,
    ask: () => Promise<T | null>,
    options: Partial<Pick<PollOptions, 'intervalMs' | 'advice' | 'notice'>> = {},
  ): Promise<T> {
    const { name: where, dataDir } = this.node;
    const advice = `Read Vault's log on ${where}.`;
    const limits = { timeoutMs: loadLimitMs(0), getsOn: watchLoading(dataDir) };
    const began = new Date();
    const why = async () => {
      const known = await knownFromLog(this.driver, began);
      return known && `Vault's log says: ${known.means}`;
    };
    return pollUntil(what, { ...limits, signal, where, advice, why, ...options }, ask);
  }
}
