import type { ServiceCheck } from '../../contract/host';
import type { Product } from '../../contract/product';
import type { ServerStart } from '../../vault/config/server-start';
import type { Attempt } from '../run/attempt';

export interface ServerProgram {
  /** Such as `1.21.1`. */
  version: string;
  product: Product;
}

/** How the program of the server is run for something else than to serve. */
export interface ServerProgramRun {
  /** Program, perhaps behind `env` or the like; without `server` and what follows. */
  command: string[];
  /** Of its service, secrets and all: never to be shown or kept. */
  environment: Readonly<Record<string, string | undefined>>;
}

export type ServiceState = 'running' | 'stopped';

/** Asked right before anything is done; what runs on behalf of no attempt needs none. */
export type Fence = Pick<Attempt, 'assertCurrent'>;

/** How an agent starts and stops the Vault of its host. Every method may be repeated. */
export interface ServiceDriver {
  status(): Promise<ServiceState>;
  start(fence?: Fence): Promise<void>;
  stop(fence?: Fence): Promise<void>;
  /** What could keep the service from being stopped and started. Changes nothing. */
  check?(): Promise<ServiceCheck>;
  /** With which configuration and environment it starts Vault. @param dataDir whose owner is the user that Vault runs as */
  serverStart?(dataDir: string): Promise<ServerStart>;
  /** By which program it starts Vault, and in which environment; null where that can't be seen. @param dataDir as above */
  programRun?(dataDir: string): Promise<ServerProgramRun | null>;
  /** The version that the server's program reports; null if it reports none. */
  version?(): Promise<ServerProgram | null>;
  /** The end of the server's log; null when there is none to read. */
  recentLog?(): Promise<string | null>;
  /** Keeps the service in the state that was last asked for, where no service manager does. */
  supervise?(signal: AbortSignal, onEvent: (message: string) => void): Promise<void>;
}
