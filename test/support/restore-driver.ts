import { Client, Connection } from '@temporalio/client';
import { signWith } from '../../src/cli/approve';
import { subjectToSign } from '../../src/plan/subject-to-sign';
import { progressDocument } from '../../src/cli/notices';
import { expectOpen } from '../../src/cli/unseal';
import { clusterOf, loadConfig } from '../../src/config/load';
import { approvalStatement } from '../../src/contract/approval';
import { MESSAGE } from '../../src/contract/names';
import { encryptArmored } from '../../src/crypto/age';
import { verifyRecipients } from '../../src/crypto/agent-key';
import type { Lab } from '../../src/lab/lab';
import { waitFor } from '../../src/lab/processes';
import type { RecoveryPhase, RecoveryProgress, RecoveryReport } from '../../src/contract/recovery';
import { askRestore, recoveryHandle, recoveryProgress, recoveryView } from '../../src/temporal/runs';
import { checkDocument } from './cli-documents';

const ANSWER_WITHIN_MS = 10_000;

/**
 * What an operator does with the CLI, for tests. Where a test is about something else, messages to a run are sent without a
 * process of their own: that costs more than the rest of the message. @param cluster the one whose nodes are changed; `source`, if another's data go there */
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
    /** As `vault-dr approve` does it. */
    async approve(): Promise<void> {
      const { planHash } = await this.waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
      await withClient(lab, (client) => approveAs('bob', lab, client, cluster, planHash ?? ''));
    },
    /** @param everyMs each look costs the controller, Temporal and the test some milliseconds of work */
    waitUntil: (what: string, test: (progress: RecoveryProgress) => boolean, timeoutMs = 60_000, everyMs = 250) =>
      waitFor(
        what,
        async () => {
          const now = await progressNow(lab, cluster);
          return test(now) ? now : null;
        },
        { timeoutMs, everyMs },
      ) as Promise<RecoveryProgress>,
    reached(phase: RecoveryPhase, timeoutMs?: number) {
      return this.waitUntil(`the phase ${phase}`, (now) => now.phases.some((item) => item.phase === phase), timeoutMs);
    },
    unseal: (holder: string, share: string) =>
      lab.cli(['unseal', '--cluster', cluster, '--as', holder, '--json'], { input: share }),
    /** As many key holders as the cluster wants, one after the other, as soon as shares are taken. */
    async unsealAll(shares: readonly string[], timeoutMs = 90_000): Promise<void> {
      await this.waitUntil('shares are taken', (now) => now.shares !== null, timeoutMs);
      await this.submitShares(shares);
    },
    /** As `vault-dr unseal` does it. */
    async submitShares(shares: readonly string[]): Promise<void> {
      const { nodes } = clusterOf(await loadConfig(lab.configFile), cluster);
      const keyOf = (name: string) => nodes.find((node) => node.name === name)?.agentPublicKey;
      for (const [index, holder] of ['carol', 'dave', 'erin'].entries()) {
        await withClient(lab, async (client) => {
          const handle = recoveryHandle(client, cluster);
          const { recipients, run } = expectOpen(await recoveryProgress(handle));
          verifyRecipients(recipients, { cluster, run }, keyOf);
          const share = await encryptArmored(
            shares[index] ?? '',
            recipients.map(({ recipient }) => recipient),
          );
          expectAccepted(await askRestore(handle, MESSAGE.submitShare, { holder, share }));
        });
      }
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

async function approveAs(approver: string, lab: Lab, client: Client, cluster: string, planHash: string): Promise<void> {
  const handle = recoveryHandle(client, cluster);
  const progress = await recoveryProgress(handle);
  if (progress.plan?.trust !== 'approvers') {
    return expectAccepted(await askRestore(handle, MESSAGE.approve, { approver, planHash }));
  }
  const subject = subjectToSign(progress, cluster, planHash);
  const signature = await signWith(lab.env['VAULT_DR_APPROVAL_KEY'] ?? '', approvalStatement(subject, approver));
  expectAccepted(await askRestore(handle, MESSAGE.approve, { approver, planHash, signature }));
}

function expectAccepted({ accepted, message }: { accepted: boolean; message: string }): void {
  if (!accepted) throw new Error(`It was refused: ${message}`);
}

/** What `vault-dr status --json` prints. */
function progressNow(lab: Lab, cluster: string): Promise<RecoveryProgress> {
  return withClient(lab, async (client) => {
    const { execution, progress, pending } = await client.withDeadline(Date.now() + ANSWER_WITHIN_MS, () =>
      recoveryView(recoveryHandle(client, cluster)),
    );
    const document = { execution, ...progressDocument(progress, pending) };
    checkDocument(['status', '--json'], JSON.stringify(document));
    return document;
  });
}

export async function withClient<T>(lab: Lab, work: (client: Client) => Promise<T>): Promise<T> {
  // Not kept: Temporal may go away between two looks, and come back as another one.
  const connection = Connection.lazy({
    address: lab.temporal.address,
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  });
  try {
    return await work(new Client({ connection }));
  } finally {
    await connection.close();
  }
}
