import { controllerName, servedElsewhere } from '../../src/config/controller-name';
import { clusterOf, nodeOf, readPublicKey, repositoryConfigOf } from '../../src/config/load';
import type { ClusterConfig, Config } from '../../src/config/schema';
import { DrError } from '../../src/contract/failures';
import type { Validity } from '../../src/contract/host';
import type { ReadinessReport } from '../../src/contract/readiness';
import { readPrivateKey } from '../../src/config/secret';
import { stagingDirectory } from '../../src/repository/staging';
import { ElsewhereRepository } from '../../src/repository/elsewhere';
import { openRepository } from '../../src/repository/open';
import { ReadCopies } from '../../src/repository/read-copies';
import type { Repository } from '../../src/repository/types';
import type { VaultClient } from '../../src/vault/client';
import { connectToNode } from '../../src/vault/connect-node';
import { type ElectionWait, findLeader, type LeaderView } from '../../src/vault/leader';
import { withSession } from '../../src/vault/session';

/** What is left of uploads is only space, and old before it is removed. */
const SWEEP_EVERY_MS = 3_600_000;

/** A frozen node accepts connections and never answers; the search for the leader must not wait for it. */
const LEADER_TIMEOUT_MS = 5_000;

export interface ControllerDeps {
  config: Config;
  /** @throws DrError NodeFenced where Temporal no longer waits for the attempt that runs here. */
  confirmAttempt?: () => Promise<unknown>;
  /** The last one of a cluster that has ended; null if there is none. */
  previousEvaluation?: (cluster: string) => Promise<ReadinessReport | null>;
  /** Of the certificates with which it connects to Temporal. */
  connectionValidity?: () => Validity[];
  /** Whether the last one that has ended failed, and people were notified of it. */
  isFailureSaid?: (cluster: string) => Promise<boolean>;
}

/** What the controller's steps share. */
export class Controller {
  readonly #deps: ControllerDeps;
  readonly readLately = new ReadCopies();
  /** By cluster and repository: when unfinished uploads were last looked for. */
  readonly #sweptAt = new Map<string, number>();

  constructor(deps: ControllerDeps) {
    this.#deps = deps;
  }

  /** What this controller is called. */
  get name(): string {
    return controllerName(this.config);
  }

  get config(): Config {
    return this.#deps.config;
  }

  /** What a controller that was frozen and thaws is about to do, another one may have done meanwhile. */
  async confirmAttempt(): Promise<void> {
    await this.#deps.confirmAttempt?.();
  }

  /** Null if there is none, or if Temporal does not say: then a verdict is taken for a new one. */
  async previousEvaluation(cluster: string): Promise<ReadinessReport | null> {
    return (await this.#deps.previousEvaluation?.(cluster).catch(() => null)) ?? null;
  }

  /** Not where Temporal does not say: rather twice than never. */
  async isFailureSaid(cluster: string): Promise<boolean> {
    return (await this.#deps.isFailureSaid?.(cluster).catch(() => false)) ?? false;
  }

  connectionValidity(): Validity[] {
    return this.#deps.connectionValidity?.() ?? [];
  }

  cluster(name: string): ClusterConfig {
    return clusterOf(this.config, name);
  }

  /** Whether it is time to look for unfinished uploads once more; if so, that is taken as done. */
  sweepsNow({ cluster, repository }: { cluster: string; repository: string }): boolean {
    const place = `${cluster}/${repository}`;
    const now = performance.now();
    if (now - (this.#sweptAt.get(place) ?? -Infinity) < SWEEP_EVERY_MS) return false;
    this.#sweptAt.set(place, now);
    return true;
  }

  stagingDirectory(cluster: string, run: string): Promise<string> {
    return stagingDirectory(this.config.stateDir, cluster, run);
  }

  async repository(name: string): Promise<Repository> {
    const config = repositoryConfigOf(this.config, name);
    const host = this.servedElsewhere(name);
    if (host !== null) return new ElsewhereRepository(name, host);
    return openRepository(name, config, this.config.stateDir);
  }

  /** The other controller that serves a directory, so that this one leaves it alone; null of everything else. */
  servedElsewhere(name: string): string | null {
    return servedElsewhere(repositoryConfigOf(this.config, name), this.name);
  }

  /**
   * A repository of this cluster.
   * @throws DrError InvalidConfiguration for any other.
   */
  async repositoryOf(clusterName: string, name: string): Promise<Repository> {
    const { repositories } = this.cluster(clusterName);
    if (repositories.includes(name)) return this.repository(name);
    throw new DrError(
      'InvalidConfiguration',
      `'${clusterName}' does not keep its backups in '${name}', but in ${repositories.join(', ')}.`,
      { where: name, advice: 'The configuration may have changed meanwhile. The next backup uses it.' },
    );
  }

  async publicKey(): Promise<string> {
    return readPublicKey(this.config);
  }

  async privateKey(): Promise<string> {
    return readPrivateKey(this.config);
  }

  /** Finds the leader by asking every node at its own address; all clients are closed when the work is done. */
  async withLeader<T>(
    clusterName: string,
    work: (view: LeaderView) => Promise<T>,
    election?: ElectionWait,
  ): Promise<T> {
    const cluster = this.cluster(clusterName);
    const clients = await Promise.all(
      cluster.nodes.map((node) => connectToNode(cluster, node, { timeoutMs: LEADER_TIMEOUT_MS })),
    );
    try {
      return await work(await findLeader(clients, election));
    } finally {
      await Promise.all(clients.map((client) => client.close()));
    }
  }

  /** A fresh login at one node; the token is revoked when the work is done. */
  async withLogin<T>(
    clusterName: string,
    node: string,
    work: (vault: VaultClient) => Promise<T>,
    loginOf = clusterName,
  ): Promise<T> {
    const cluster = this.cluster(clusterName);
    // Data restored into another cluster has the logins of its own cluster.
    const { auth } = this.cluster(loginOf);
    return withSession(cluster, nodeOf(cluster, node), auth, work);
  }
}
