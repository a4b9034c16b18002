import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import type { Client } from '@temporalio/client';
import { clusterOf, loadConfig } from '../config/load';
import type { SandboxProgress } from '../contract/drill';
import { DrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import type { RecoveryProgress } from '../contract/recovery';
import { decodeShare } from '../contract/share';
import { sandboxSharesReceived } from '../contract/voice/sandbox-run-text';
import { noSharesTaken, sharesReceived } from '../contract/voice/one-line';
import { secretSharesReceived } from '../contract/voice/secret-run-text';
import { encryptArmored } from '../crypto/age';
import { verifyRecipients } from '../crypto/agent-key';
import { openPgpMessage } from '../crypto/openpgp-message';
import { connectClient } from '../temporal/connect-temporal';
import {
  askRestore,
  drillHandle,
  drillProgress,
  recoveryHandle,
  recoveryProgress,
  rollCallHandle,
  rollCallProgress,
  secretHandle,
  secretProgress,
} from '../temporal/runs';
import { type MessageOptions, printAnswer } from './decisions';
import { note } from './output';
import { temporalOptions } from './program';
import { promptHidden } from './prompt';

interface Options extends MessageOptions {
  pgp?: boolean;
  drill?: boolean;
  rollCall?: boolean;
  recover?: boolean;
}

const SANDBOX_KEY = { setting: 'publicKey in sandboxHosts', command: 'vault-dr sandbox-key' };

export async function runUnseal(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr unseal --cluster prod');
  const config = await loadConfig(options.config);
  const { nodes } = clusterOf(config, cluster);
  const client = await connectClient(temporalOptions(options));
  try {
    const { handle, recipients, run: runId, state } = await runOf(client, cluster, options);
    if (options.drill || options.rollCall || options.recover) {
      const { sandboxHosts } = config;
      const keyOf = (name: string) => (Object.hasOwn(sandboxHosts, name) ? sandboxHosts[name]?.publicKey : undefined);
      verifyRecipients(recipients, { cluster, run: runId }, keyOf, SANDBOX_KEY);
    } else {
      verifyRecipients(recipients, { cluster, run: runId }, (name) => {
        return nodes.find((node) => node.name === name)?.agentPublicKey;
      });
    }
    note(state);
    const share = await readShare(options.pgp === true);
    const envelope = await encryptArmored(
      share,
      recipients.map((item) => item.recipient),
    );
    const answer = await askRestore(handle, MESSAGE.submitShare, { holder: options.as, share: envelope });
    printAnswer(answer, options.json === true);
  } finally {
    await client.connection.close();
  }
}

function runOf(client: Client, cluster: string, { drill, rollCall, recover }: Options) {
  if (rollCall) return rollCallOf(client, cluster);
  if (recover) return secretRunOf(client, cluster);
  return drill ? drillOf(client, cluster) : recoveryOf(client, cluster);
}

async function recoveryOf(client: Client, cluster: string) {
  const handle = recoveryHandle(client, cluster);
  return { handle, ...expectOpen(await recoveryProgress(handle)) };
}

/** @throws DrError NoSuchRun if no drill is waiting for shares. */
async function drillOf(client: Client, cluster: string) {
  const handle = await drillHandle(client, cluster);
  const progress = await drillProgress(handle);
  return { handle, ...expectTaken(progress), state: sandboxSharesReceived(progress) };
}

/** @throws DrError NoSuchRun if no roll-call is waiting for shares. */
async function rollCallOf(client: Client, cluster: string) {
  const handle = await rollCallHandle(client, cluster);
  const progress = await rollCallProgress(handle);
  return { handle, ...expectTaken(progress), state: sandboxSharesReceived(progress) };
}

/** The same of a run that reads single secrets. */
async function secretRunOf(client: Client, cluster: string) {
  const handle = secretHandle(client, cluster);
  const progress = await secretProgress(handle);
  return { handle, ...expectTaken(progress), state: secretSharesReceived(progress) };
}

/** @throws DrError NoSuchRun */
function expectTaken(progress: SandboxProgress) {
  const { cluster, recipients, shares, run } = progress;
  if (recipients.length > 0 && shares !== null) return { recipients, run };
  const kind = progress.kind ?? 'drill';
  const what = kind === 'recover' ? 'run for single secrets' : kind;
  throw new DrError('NoSuchRun', `The ${what} of ${cluster} does not accept shares now.`, {
    advice: `See what it waits for: vault-dr status --cluster ${cluster} --${kind}`,
  });
}

/** @throws DrError NoSuchRun if no recovery is waiting for shares. */
export function expectOpen(progress: RecoveryProgress) {
  const { recipients, shares, run: runId } = progress;
  if (recipients.length > 0 && shares !== null) {
    return { recipients, run: runId, state: sharesReceived(progress, shares) };
  }
  const { problem, advice } = noSharesTaken(progress);
  throw new DrError('NoSuchRun', problem, { advice });
}

async function readShare(pgp: boolean): Promise<string> {
  const given = process.stdin.isTTY
    ? Buffer.from(await promptHidden('Your unseal share: '))
    : await buffer(process.stdin);
  const share = pgp ? await decryptWithGpg(given) : given.toString('utf8').trim();
  if (decodeShare(share) !== null) return share;
  const problem = pgp
    ? 'gpg decrypted it, but the result is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.'
    : openPgpMessage(given) === null
      ? 'This is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.'
      : 'This share is PGP-encrypted. Add --pgp, and your gpg decrypts it.';
  throw new DrError('InvalidInput', problem, {
    advice:
      'Nothing was sent. Enter one share, as `vault operator init` printed it; if it is PGP-encrypted, add --pgp.',
  });
}

/** gpg itself asks for the passphrase, through its agent. */
export async function decryptWithGpg(given: Buffer): Promise<string> {
  const message = openPgpMessage(given);
  if (message === null) {
    throw new DrError(
      'InvalidInput',
      'This is not a PGP-encrypted share: it is neither base64, hexadecimal, armored nor binary.',
      {
        advice:
          'Nothing was sent. It may be cut off or changed. An armored share must come from a file: --pgp <share.asc',
      },
    );
  }
  const child = spawn('gpg', ['--decrypt', '--quiet'], { stdio: ['pipe', 'pipe', 'inherit'], env: process.env });
  child.stdin.on('error', () => undefined);
  child.stdin.end(message);
  const ended = once(child, 'close').catch((error: NodeJS.ErrnoException) => [error]);
  const [share, [code]] = await Promise.all([text(child.stdout), ended as Promise<[number | string | null | Error]>]);
  if (code === 0) return share.trim();
  if (code instanceof Error) {
    throw new DrError('InvalidConfiguration', `gpg can't be run: ${code.message}`, {
      advice: 'Nothing was sent. Install GnuPG on this machine.',
      cause: code,
    });
  }
  throw new DrError('InvalidInput', `gpg could not decrypt the share (${code ?? 'signal'}).`, {
    advice:
      'Nothing was sent. Check that the share is yours, and that its key is on this machine: gpg --list-secret-keys',
  });
}
