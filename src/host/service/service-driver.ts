import type { ServiceCheck } from '../../contract/host';
import type { Product } from '../../contract/product';
import type { ServerStart } from '../../vault/config/server-start';
import type { Attempt } from '../run/attempt';

export interface ServerProgram {
  /** Such as `1.21.1`. */
  version: string;
  product: Product;
}

/** How to run the server's program for anything but serving. */
export interface ServerProgramRun {
  /** Program, possibly behind `env`; without `server` and its arguments. */
  command: string[];
  /** What follows `server`: its configuration above all. */
  options: string[];
  /** Of its service, with secrets: never to be shown or stored. */
  environment: Readonly<Record<string, string | undefined>>;
}

export type ServiceState = 'running' | 'stopped';

/** Checked right before an effect; only needed on behalf of an attempt. */
export type Fence = Pick<Attempt, 'assertCurrent' | 'onWait'>;

/** Starts and stops this host's Vault. Every method is repeatable. */
export interface ServiceDriver {
  status(): Promise<ServiceState>;
  start(fence?: Fence): Promise<void>;
  stop(fence?: Fence): Promise<void>;
  /** What could prevent the service from being stopped and started. Changes nothing. */
  check?(): Promise<ServiceCheck>;
  /**
   * Configuration and environment that Vault is started with. @param dataDir its owner is the user that Vault runs as
   */
  serverStart?(dataDir: string): Promise<ServerStart>;
  /** Program and environment that Vault is started with; null if unknown. @param dataDir as above */
  programRun?(dataDir: string): Promise<ServerProgramRun | null>;
  /** The version that the server's program reports; null if it reports none. */
  version?(): Promise<ServerProgram | null>;
  /** The end of the server's log; null if it can't be read. */
  recentLog?(): Promise<string | null>;
  /**
   * Lets the service start again that a run has stopped, once that is over. To be asked now and then, also by an agent that has
   * just started. @returns the runs
   */
  settle?(isOver: (run: string) => Promise<boolean>): Promise<string[]>;
  /** Keeps the service in the requested state, if no service manager does. */
  supervise?(signal: AbortSignal, onEvent: (message: string) => void): Promise<void>;
}
