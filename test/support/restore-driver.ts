import { Client, Connection } from '@temporalio/client';
import { progressDocument } from '../../src/cli/notices';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { RecoveryPhase, RecoveryProgress, RecoveryReport } from '../../src/contract/recovery';
import { recoveryHandle, recoveryView } from '../../src/temporal/runs';
import { checkDocument } from './cli-documents';

const ANSWER_WITHIN_MS = 10_000;

/** What an operator does with the CLI, for tests. @param cluster the one whose nodes are changed; `source`, if another's data go there */
export function restoreDriver(
  lab: Lab,
  { cluster = 'lab', source = cluster }: { cluster?: string; source?: string } = {},
) {
  const into = source === cluster ? [] : ['--into', cluster];

  async function json<T>(args: string[], options?: { input?: string }, ended = 0): Promise<T> {
    const { code, stdout, stderr } = await lab.cli([...args, '--json'], options);
    if (code !== ended) throw new Error(`vault-dr ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  const progress = () => json<RecoveryProgress>(['status', '--cluster', cluster]);

  return {
    json,
    progress,
    start: (...args: string[]) =>
      json<{ workflowId: string }>(['restore', '--cluster', source, ...into, '--as', 'ana', '--detach', ...args]),
    async approve(): Promise<void> {
      const { planHash } = await this.waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
      await json(['approve', '--cluster', cluster, '--as', 'bob', '--plan', planHash ?? '']);
    },
    waitUntil: (what: string, test: (progress: RecoveryProgress) => boolean, timeoutMs = 60_000) =>
      waitFor(
        what,
        async () => {
          const now = await progressNow(lab, cluster);
          return test(now) ? now : null;
        },
        { timeoutMs, everyMs: 100 },
      ) as Promise<RecoveryProgress>,
    reached(phase: RecoveryPhase, timeoutMs?: number) {
      return this.waitUntil(`the phase ${phase}`, (now) => now.phases.some((item) => item.phase === phase), timeoutMs);
    },
    unseal: (holder: string, share: string) =>
      lab.cli(['unseal', '--cluster', cluster, '--as', holder, '--json'], { input: share }),
    /** As many key holders as the cluster wants, one after the other, as soon as shares are taken. */
    async unsealAll(shares: readonly string[], timeoutMs = 90_000): Promise<void> {
      await this.waitUntil('shares are taken', (now) => now.shares !== null, timeoutMs);
      for (const [index, holder] of ['carol', 'dave', 'erin'].entries()) await this.unseal(holder, shares[index] ?? '');
    },
    /** What speaks against a restore. */
    async refusal(...args: string[]): Promise<string> {
      const { code, stderr } = await lab.cli(['restore', '--cluster', source, ...into, '--plan', ...args]);
      if (code !== 5) throw new Error(`The plan was not refused: it ended with ${code}. ${stderr}`);
      return stderr;
    },
    /** @param ended exit status that is expected; 1 for a run that did not restore */
    result: (ended = 0) => json<RecoveryReport>(['status', '--cluster', cluster, '--follow'], {}, ended),
  };
}

/** What `vault-dr status --json` prints, without a process of its own: a wait asks ten times a second. */
async function progressNow(lab: Lab, cluster: string): Promise<RecoveryProgress> {
  // Not kept: Temporal may go away between two looks, and come back as another one.
  const connection = Connection.lazy({
    address: lab.temporal.address,
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  try {
    const client = new Client({ connection });
    const { execution, progress, pending } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      recoveryView(recoveryHandle(client, cluster)),
    );
    const document = { execution, ...progressDocument(progress, pending) };
    checkDocument(['status', '--json'], JSON.stringify(document));
    return document;
  } finally {
    await connection.close();
  }
}
