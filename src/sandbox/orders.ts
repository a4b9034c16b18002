import type { Target } from '../vault/reach/fence-targets';

export type { Target };

/** What is sent into the fence, one JSON document per line. */
export type Order =
  | { do: 'probe'; targets: Target[]; hidden: string[]; made: string[] }
  | { do: 'open'; ways: Way[]; files: { path: string; base64: string }[] }
  /** `through`: a command that becomes the program. */
  | {
      do: 'start';
      through: string[];
      program: string;
      config: string;
      options: string[];
      environment: Record<string, string>;
    }
  | { do: 'stop'; withinMs: number }
  | { do: 'look' };

export type Reply = { id: number } & ({ result: unknown } | { error: string });

/** What is accepted at an address of the fence's own loopback is passed on to a socket that is shared with the host. */
export interface Way extends Target {
  socket: string;
}

export interface Reached extends Target {
  /** `connected`, `timeout` or a code of the system. */
  outcome: string;
}

/** How the scratch Vault is. */
export interface ServerState {
  runs: boolean;
  /** The last line that it wrote. It may hold a secret. */
  lastLine: string;
}

/** What can be seen from inside. */
export interface FenceReport {
  interfaces: string[];
  /** Interfaces of all routes. */
  routes: string[];
  /** Paths of the host that are there. */
  seen: string[];
  reached: Reached[];
}
