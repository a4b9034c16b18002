import { setTimeout as sleep } from 'node:timers/promises';
import type { Lab } from '../../src/lab/lab';

/** One write, and the raft indexes between which it came into the log: above `before`, up to and with `after`. */
export interface LedgerEntry {
  kind: 'secret' | 'policy';
  name: string;
  value: string;
  before: number;
  /** Null when Vault did not acknowledge the write, so that nobody knows whether it happened. */
  after: number | null;
  /** When it was acknowledged, or given up. */
  at: number;
}

export interface Evaluation {
  /** Acknowledged up to the index of the backup: must be there. */
  covered: number;
  /** Begun after the index of the backup: must not be there. */
  later: number;
  /** The index lies within their bracket: may be there or not. */
  undecided: number;
  lost: LedgerEntry[];
  ghosts: LedgerEntry[];
}

/** What a restore of the backup with this raft index owes to the ledger. */
export function evaluate(
  ledger: LedgerEntry[],
  raftIndex: number,
  isThere: (entry: LedgerEntry) => boolean,
): Evaluation {
  const covered = ledger.filter(({ after }) => after !== null && after <= raftIndex);
  const later = ledger.filter(({ before }) => before >= raftIndex);
  return {
    covered: covered.length,
    later: later.length,
    undecided: ledger.length - covered.length - later.length,
    lost: covered.filter((entry) => !isThere(entry)),
    ghosts: later.filter(isThere),
  };
}

export interface Writers {
  readonly ledger: LedgerEntry[];
  /** Ends them when each has ended the write that it is at. */
  stop(): Promise<void>;
}

/**
 * Clients that write without pause, each to one node or all to whichever leads, secrets and policies in turns, until they are
 * stopped.
 */
export function startWriters(lab: Lab, count: number, to: 'each node' | 'the leader' = 'each node'): Writers {
  const ledger: LedgerEntry[] = [];
  let stopped = false;

  async function work(writer: number): Promise<void> {
    const own = lab.nodes[writer % lab.nodes.length]?.name ?? '';
    for (let number = 0; !stopped; number++) {
      const kind = writer % 2 === 0 ? 'secret' : 'policy';
      const name = `ledger-${writer}-${number}`;
      const value = `value of ${name}`;
      const leader = await askLeader(lab);
      if (leader === null) {
        await sleep(50);
        continue;
      }
      const acknowledged = await write(lab, to === 'the leader' ? leader.node : own, kind, name, value);
      const after = acknowledged ? ((await askLeader(lab))?.appliedIndex ?? null) : null;
      ledger.push({ kind, name, value, before: leader.committedIndex, after, at: Date.now() });
    }
  }

  const working = Promise.all(Array.from({ length: count }, (_, writer) => work(writer)));
  return {
    ledger,
    async stop() {
      stopped = true;
      await working;
    },
  };
}

/** The value that Vault has now; null when there is none. */
export async function readBack(lab: Lab, { kind, name }: LedgerEntry): Promise<string | null> {
  const path = kind === 'secret' ? `secret/data/${name}` : `sys/policies/acl/${name}`;
  const { status, body } = await lab.vault('vault-1', 'GET', path);
  if (status === 404) return null;
  if (status !== 200) throw new Error(`Vault answered ${status} to the read of ${path}`);
  const { data } = body as { data: { data?: { value: string }; policy?: string } };
  return data.data?.value ?? data.policy?.replace(/^# /, '') ?? null;
}

/** False also when nobody answered: then it may have happened all the same. */
async function write(lab: Lab, node: string, kind: LedgerEntry['kind'], name: string, value: string): Promise<boolean> {
  const request =
    kind === 'secret'
      ? lab.vault(node, 'POST', `secret/data/${name}`, { body: { data: { value } } })
      : lab.vault(node, 'PUT', `sys/policies/acl/${name}`, { body: { policy: `# ${value}` } });
  const { status } = await request.catch(() => ({ status: 0 }));
  return status >= 200 && status < 300;
}

interface LeaderAnswer {
  node: string;
  committedIndex: number;
  appliedIndex: number;
}

/** Vault's community edition gives no index back with a write, but its leader says how far its log is. Null without leader. */
async function askLeader(lab: Lab): Promise<LeaderAnswer | null> {
  for (const { name: node } of lab.nodes) {
    const answer = await lab.vault(node, 'GET', 'sys/leader').catch(() => null);
    const body = answer?.body as { is_self?: boolean; [index: string]: unknown } | undefined;
    const { raft_committed_index: committedIndex, raft_applied_index: appliedIndex } = body ?? {};
    if (!body?.is_self || typeof committedIndex !== 'number' || typeof appliedIndex !== 'number') continue;
    return { node, committedIndex, appliedIndex };
  }
  return null;
}
