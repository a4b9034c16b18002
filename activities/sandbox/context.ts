import { servedElsewhere } from '../../src/config/controller-name';
import { clusterOf, repositoryConfigOf } from '../../src/config/load';
import type { ClusterConfig, Config, SandboxConfig } from '../../src/config/schema';
import { openRepository } from '../../src/repository/open';
import type { Repository } from '../../src/repository/types';

export interface SandboxDeps {
  config: Config;
  sandbox: SandboxConfig;
  /** What this sandbox host is called. */
  name: string;
  /** Its own directory, which lasts. */
  stateDir: string;
}

/** What the steps of a sandbox host share. */
export class SandboxHost {
  /** The last one that has begun. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(private readonly deps: SandboxDeps) {}

  get config(): Config {
    return this.deps.config;
  }

  get sandbox(): SandboxConfig {
    return this.deps.sandbox;
  }

  get name(): string {
    return this.deps.name;
  }

  get stateDir(): string {
    return this.deps.stateDir;
  }

  /** For the identities of runs. */
  get runtimeDir(): string {
    return this.deps.sandbox.runtimeDir;
  }

  cluster(name: string): ClusterConfig {
    return clusterOf(this.config, name);
  }

  /** Null if another host alone has it. */
  async repository(name: string): Promise<Repository | null> {
    const config = repositoryConfigOf(this.config, name);
    if (servedElsewhere(config, this.name) !== null) return null;
    return openRepository(name, config, this.config.stateDir);
  }

  /** One sandbox at a time: each takes memory for twice the data. In the order in which they were asked for. */
  async oneAtATime<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.#tail;
    const result = before.then(() => {
      signal.throwIfAborted();
      return work();
    });
    this.#tail = result.catch(() => undefined);
    return result;
  }
}
