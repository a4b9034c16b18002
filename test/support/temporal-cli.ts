import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RecoveryProgress } from '../../src/contract/recovery';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { ProgramResult } from '../../src/lab/run-program';

const RESTORE = ['--workflow-id', 'restore-lab'];

/** What an operator does with Temporal's own CLI, for tests. */
export function temporalCli(lab: Lab) {
  async function json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await lab.temporalCli([...args, '--output', 'json']);
    if (code !== 0) throw new Error(`temporal ${args.join(' ')} ended with ${code}: ${stderr}`);
    return JSON.parse(stdout) as T;
  }

  return {
    json,
    /** Waits for the end of a workflow that must complete. */
    async resultOf<T>(workflowId: string): Promise<T> {
      const { result } = await json<{ result: T }>('workflow', 'result', '--workflow-id', workflowId);
      return result;
    },
    async progress(): Promise<RecoveryProgress> {
      const query = ['workflow', 'query', ...RESTORE, '--type', 'progress'];
      const { queryResult } = await json<{ queryResult: [RecoveryProgress] }>(...query);
      const [progress] = queryResult;
      // The CLI prints an empty list as null.
      return { ...progress, recipients: progress.recipients ?? [], phases: progress.phases ?? [] };
    },
    /** The text that the Web UI shows, too. */
    async details(): Promise<string> {
      const { stdout } = await lab.temporalCli(['workflow', 'metadata', ...RESTORE]);
      return stdout;
    },
    /** With the input from a file, as shares are sent. */
    async message(kind: 'update' | 'signal', name: string, input: unknown): Promise<ProgramResult> {
      const file = join(lab.directory, 'message.json');
      await writeFile(file, JSON.stringify(input));
      const verb = kind === 'update' ? ['update', 'execute'] : ['signal'];
      return lab.temporalCli([
        'workflow',
        ...verb,
        ...RESTORE,
        '--name',
        name,
        '--input-file',
        file,
        '--output',
        'json',
      ]);
    },
  };
}

/** The command for a message, as the details of a run show it. */
export function commandIn(details: string, name: string): string {
  const lines = details.split('\n').map((line) => line.trim());
  const command = lines.find((line) => line.startsWith('temporal') && line.includes(`--name ${name}`));
  if (command) return command;
  throw new Error(`The details show no command for ${name}: ${details}`);
}

/** The commands by which an approver signs and sends with stock tools, as the details of a run show them. */
export function approvalIn(details: string, approver: string, key: string): string {
  const lines = details.split('\n').map((line) => line.trim());
  const first = lines.findIndex((line) => line.startsWith('printf') && line.includes('vault-dr approval'));
  const last = lines.findIndex((line) => line.includes('--input-file approval.json'));
  if (first === -1 || last < first) throw new Error(`The details show no way to sign: ${details}`);
  return lines
    .slice(first, last + 1)
    .join('\n')
    .replaceAll('YOUR NAME', approver)
    .replaceAll('~/.ssh/id_ed25519', key);
}

/** Asks until there is an answer. */
export async function until<T>(what: string, ask: () => Promise<T | null | undefined>): Promise<T> {
  return (await waitFor(what, ask, { timeoutMs: 30_000, everyMs: 200 })) as T;
}
