import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { buffer, text } from 'node:stream/consumers';
import { clusterOf, loadConfig } from '../config/load';
import type { Config } from '../config/schema';
import type { SandboxProgress } from '../contract/drill';
import { DrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { recipientsText, SANDBOX_KEY, type SharePurpose } from '../contract/recipients';
import type { RecoveryProgress, RunRecipient } from '../contract/recovery';
import { checkEnvelope, problemOfShare } from '../contract/share';
import { sandboxSharesReceived } from '../contract/voice/sandbox-run-text';
import { noSharesTaken, sharesReceived } from '../contract/voice/one-line';
import { secretSharesReceived } from '../contract/voice/secret-run-text';
import { verifyRecipients } from '../crypto/agent-key';
import { sealShare } from '../crypto/envelope';
import { openPgpMessage } from '../crypto/openpgp-message';
import { connectClient } from '../temporal/connect-temporal';
import { askRestore } from '../temporal/runs';
import { type ShareRun, shareRun } from '../temporal/share-run';
import { type MessageOptions, printAnswer } from './decisions';
import { note, print } from './output';
import { temporalOptions } from './program';
import { promptHidden } from './prompt';

interface Options extends MessageOptions {
  pgp?: boolean;
  drill?: boolean;
  rollCall?: boolean;
  recover?: boolean;
  recipients?: boolean;
  envelope?: string;
}

/** Of one that is handed in; a run takes none that is longer. */
const LONGEST_ENVELOPE_FILE = 64 * 1024;

export async function runUnseal(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr unseal --cluster prod');
  const ready = options.envelope === undefined ? null : await readEnvelope(options.envelope);
  const config = ready === null ? await loadConfig(options.config) : null;
  const client = await connectClient(temporalOptions(options));
  try {
    const found = await shareRun(client, cluster, purposeOf(options));
    const { recipients, run: runId, state } = takenBy(found);
    if (config !== null) expectAuthentic(config, { cluster, run: runId, recipients }, options);
    if (options.recipients) {
      print(recipientsText({ cluster, run: runId, purpose: purposeOf(options), recipients }));
      return note(`Say by another way, such as a call, what the id of the run ends with: ${runId.slice(-8)}`);
    }
    note(state);
    const envelope = ready ?? (await encryptedShare(recipients, options));
    const answer = await askRestore(found.handle, MESSAGE.submitShare, { holder: options.as, share: envelope });
    printAnswer(answer, options.json === true);
  } finally {
    await client.connection.close();
  }
}

/** @throws DrError RecipientNotAuthentic */
function expectAuthentic(
  config: Config,
  { cluster, run, recipients }: { cluster: string; run: string; recipients: RunRecipient[] },
  options: Options,
): void {
  const { nodes } = clusterOf(config, cluster);
  if (purposeOf(options) === 'restore') {
    const keyOf = (name: string) => nodes.find((node) => node.name === name)?.agentPublicKey;
    return verifyRecipients(recipients, { cluster, run }, keyOf);
  }
  const { sandboxHosts } = config;
  const keyOf = (name: string) => (Object.hasOwn(sandboxHosts, name) ? sandboxHosts[name]?.publicKey : undefined);
  verifyRecipients(recipients, { cluster, run }, keyOf, SANDBOX_KEY);
}

function purposeOf({ drill, rollCall, recover }: Options): SharePurpose {
  if (rollCall) return 'roll-call';
  if (recover) return 'recover';
  return drill ? 'drill' : 'restore';
}

async function encryptedShare(recipients: readonly RunRecipient[], options: Options): Promise<string> {
  const share = await readShare(options.pgp === true);
  return sealShare(
    share,
    recipients.map((item) => item.recipient),
  );
}

/** @throws DrError InvalidInput for anything but an envelope, so that no share in clear is sent */
async function readEnvelope(file: string): Promise<string> {
  const bytes =
    file === '-'
      ? await buffer(process.stdin)
      : await readFile(file).catch((error) => {
          throw unreadable(file, error);
        });
  const envelope = bytes
    .subarray(0, LONGEST_ENVELOPE_FILE + 1)
    .toString('utf8')
    .trim();
  const verdict = checkEnvelope(envelope);
  if (verdict.ok) return envelope;
  throw new DrError('InvalidInput', verdict.reason, {
    advice: 'Nothing was sent. Give the whole envelope, as the page for key holders shows it.',
  });
}

function unreadable(file: string, cause: unknown): DrError {
  const { code = 'failed' } = cause as NodeJS.ErrnoException;
  return new DrError('InvalidInput', `${file} can't be read (${code}).`, {
    where: file,
    advice: 'Nothing was sent. Give the file that the envelope was saved in, or - for standard input.',
    cause,
  });
}

/** What a share is encrypted to, and how many there are. @throws DrError NoSuchRun if none is taken now */
function takenBy(found: ShareRun) {
  switch (found.purpose) {
    case 'restore':
      return expectOpen(found.progress);
    case 'recover':
      return { ...expectTaken(found.progress), state: secretSharesReceived(found.progress) };
    case 'drill':
    case 'roll-call':
      return { ...expectTaken(found.progress), state: sandboxSharesReceived(found.progress) };
  }
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
  const isPgp = !pgp && openPgpMessage(given) !== null;
  const problem = problemOfShare(share, isPgp);
  if (problem === null) return share;
  const before = pgp ? 'gpg decrypted it. ' : '';
  throw new DrError('InvalidInput', `${before}${problem}${isPgp ? ' Add --pgp, and your gpg decrypts it.' : ''}`, {
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
