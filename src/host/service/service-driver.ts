import type { ServiceCheck } from '../../contract/host';
import type { Product } from '../../contract/product';
import type { ServerStart } from '../../vault/config/server-start';
import type { Attempt } from '../run/attempt';
import type { Cut } from './unit-fence';

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

/** Keeps Vault where nothing but its own host reaches it, and it reaches nothing else. Every method is repeatable. */
export interface QuietFence {
  /** Makes one for a moment, beside Vault. @returns why there can be none; null if it holds */
  problem(cut: Cut): Promise<string | null>;
  /** From the next start on, which fails where the fence is not proved. */
  place(run: string, cut: Cut, fence?: Fence): Promise<void>;
  /** The run that has placed it; null if there is none. */
  placedBy(): Promise<string | null>;
  /** At once; a Vault that runs continues. @param run only if it is of this one */
  lift(fence?: Fence, run?: string): Promise<void>;
}

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
  /** Absent where there is no way to cut Vault off. */
  quiet?: QuietFence;
  /** Keeps the service in the requested state, if no service manager does. */
  supervise?(signal: AbortSignal, onEvent: (message: string) => void): Promise<void>;
}
