import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { RestorePhase, RestoreProgress, RestoreReport } from '../../src/contract/restore';

/** What an operator does with the CLI, for tests. */
export function restoreDriver(lab: Lab) {
  async function json<T>(args: string[], options?: { input?: string }, ended = 0): Promise<T> {
    const { code, stdout, stderr } = await lab.cli([...args, '--json'], options);
    if (code !== ended) throw new Error(`vault-dr ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  const progress = () => json<RestoreProgress>(['status', '--cluster', 'lab']);

  return {
    json,
    progress,
    start: (...args: string[]) =>
      json<{ workflowId: string }>(['restore', '--cluster', 'lab', '--as', 'ana', '--detach', ...args]),
    async approve(): Promise<void> {
      const { planHash } = await this.waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
      await json(['approve', '--cluster', 'lab', '--as', 'bob', '--plan', planHash ?? '']);
    },
    waitUntil: (what: string, test: (progress: RestoreProgress) => boolean, timeoutMs = 60_000) =>
      waitFor(
        what,
        async () => {
          const now = await progress();
          return test(now) ? now : null;
        },
        { timeoutMs, everyMs: 100 },
      ) as Promise<RestoreProgress>,
    reached(phase: RestorePhase, timeoutMs?: number) {
      return this.waitUntil(`the phase ${phase}`, (now) => now.phases.some((item) => item.phase === phase), timeoutMs);
    },
    unseal: (holder: string, share: string) =>
      lab.cli(['unseal', '--cluster', 'lab', '--as', holder, '--json'], { input: share }),
    /** @param ended exit status that is expected; 1 for a run that did not restore */
    result: (ended = 0) => json<RestoreReport>(['status', '--cluster', 'lab', '--follow'], {}, ended),
  };
}
