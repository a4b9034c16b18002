import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Recovered, RecoveredItem } from '../../src/contract/recovered';
import type { SecretProgress, SecretReport, SecretStep } from '../../src/contract/secret-run';
import { decryptArmored } from '../../src/crypto/age';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { ProgramResult } from '../../src/lab/run-program';
import { describeRun, secretHandle, secretProgress } from '../../src/temporal/runs';
import { checkDocument } from './cli-documents';
import { withClient } from './restore-driver';
import { scratchServers } from './scratch-servers';

const SHARES = 3;
const OF_LAB = ['--cluster', 'lab', '--recover'];

/** What people do with a run for single secrets. */
export function secretRuns(lab: () => Lab) {
  /** Of the last one. @throws DrError NoSuchRun */
  const progress = () =>
    withClient(lab(), async (client) => {
      const handle = secretHandle(client, 'lab');
      const { status } = await describeRun(handle);
      return { execution: status.name, ...(await secretProgress(handle)) };
    });

  async function until(what: string, isSo: (progress: SecretProgress) => boolean): Promise<SecretProgress> {
    const found = async () => {
      const now = await progress();
      return now.execution === 'RUNNING' && isSo(now) && now;
    };
    return waitFor(what, found, { timeoutMs: 120_000, everyMs: 200 });
  }

  const reached = (wanted: SecretStep) => until(`the step ${wanted}`, ({ step }) => step === wanted);

  const approve = async (...more: string[]) => {
    const { planHash } = await reached('approve');
    return lab().cli(['approve', ...OF_LAB, '--as', 'bob', '--plan', planHash!.slice(0, 12), ...more]);
  };

  const submit = (holder: string, share: string) => lab().cli(['unseal', ...OF_LAB, '--as', holder], { input: share });

  return {
    progress,
    until,
    reached,
    approve,
    submit,

    recover: (args: string[], env: Record<string, string> = {}) =>
      lab().cli(['recover', '--cluster', 'lab', '--remote', '--as', 'ana', ...args], { env }),

    /** One approver, and as many holders as needed. */
    async consent(): Promise<void> {
      expectDone(await approve());
      await reached('shares');
      for (const [index, share] of lab().unsealShares.slice(0, SHARES).entries()) {
        expectDone(await submit(`holder-${index + 1}`, share));
      }
    },

    async history(): Promise<string> {
      const shown = ['workflow', 'show', '--workflow-id', 'recover-lab', '--output', 'json'];
      const { code, stdout, stderr } = await lab().temporalCli(shown);
      if (code !== 0) throw new Error(stderr);
      return stdout;
    },

    async expectNothingLeft(): Promise<void> {
      expect(await scratchServers(lab().directory)).toEqual([]);
      expect(await readdir(join(lab().directory, 'controller', 'drills'))).toEqual([]);
      expect(await readdir(join(lab().directory, 'sandbox-run'))).toEqual([]);
    },
  };
}

export function secretReportOf({ code, stdout, stderr }: ProgramResult) {
  if (!stdout.startsWith('{')) throw new Error(`${stdout}${stderr}`);
  return { code, report: JSON.parse(stdout) as SecretReport & { writeBack: unknown } };
}

export async function openedBy(identity: string, sealed: string): Promise<RecoveredItem[]> {
  const text = await decryptArmored(sealed, [identity]);
  checkDocument(['recover', '--json'], text);
  return (JSON.parse(text) as Recovered).items;
}

function expectDone({ code, stdout, stderr }: ProgramResult): void {
  if (code !== 0) throw new Error(stdout + stderr);
}
