import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { clusterOf, loadConfig } from '../config/load';
import { DrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import type { RecoveryProgress } from '../contract/recovery';
import { decodeShare } from '../contract/share';
import { noSharesTaken, sharesReceived } from '../contract/voice/one-line';
import { encryptArmored } from '../crypto/age';
import { verifyRecipients } from '../crypto/agent-key';
import { connectClient } from '../temporal/connect-temporal';
import { askRestore, recoveryHandle, recoveryProgress } from '../temporal/runs';
import { type MessageOptions, printAnswer } from './decisions';
import { note } from './output';
import { temporalOptions, verb, withConfig, withJson, withOperator, withTemporal } from './program';
import { promptHidden } from './prompt';

interface Options extends MessageOptions {
  pgp?: boolean;
}

export function unsealCommand(): Command {
  const command = verb(
    'unseal',
    'Submit your unseal share to a running restore; it is encrypted before it leaves this machine',
    'vault-dr unseal --cluster prod\nvault-dr unseal --cluster prod --pgp < share.b64',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .option('--pgp', 'the share is PGP-encrypted (base64, from `vault operator init -pgp-keys`); your gpg decrypts it')
    .action(run);
  return withJson(withOperator(withConfig(withTemporal(command))));
}

async function run(options: Options): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr unseal --cluster prod');
  const { nodes } = clusterOf(await loadConfig(options.config), cluster);
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = recoveryHandle(client, cluster);
    const { recipients, run: runId, state } = expectOpen(await recoveryProgress(handle));
    verifyRecipients(recipients, { cluster, run: runId }, (name) => {
      return nodes.find((node) => node.name === name)?.agentPublicKey;
    });
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

/** @throws DrError NoSuchRun when there is nothing to submit a share to. */
export function expectOpen(progress: RecoveryProgress) {
  const { recipients, shares, run: runId } = progress;
  if (recipients.length > 0 && shares !== null) {
    return { recipients, run: runId, state: sharesReceived(progress, shares) };
  }
  const { problem, advice } = noSharesTaken(progress);
  throw new DrError('NoSuchRun', problem, { advice });
}

async function readShare(pgp: boolean): Promise<string> {
  const typed = (process.stdin.isTTY ? await promptHidden('Your unseal share: ') : await text(process.stdin)).trim();
  const share = pgp ? await decryptWithGpg(typed) : typed;
  if (decodeShare(share) !== null) return share;
  throw new DrError('InvalidInput', 'That is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.', {
    advice: 'Nothing was sent. Give one share, as `vault operator init` printed it; --pgp if it is PGP-encrypted.',
  });
}

/** gpg asks for the passphrase itself, by its own agent. */
async function decryptWithGpg(encrypted: string): Promise<string> {
  const child = spawn('gpg', ['--decrypt', '--quiet'], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.on('error', () => undefined);
  child.stdin.end(Buffer.from(encrypted, 'base64'));
  const ended = once(child, 'close').catch((error: Error) => [error.message]);
  const [share, [code]] = await Promise.all([text(child.stdout), ended as Promise<[number | string | null]>]);
  if (code === 0) return share.trim();
  throw new DrError('InvalidInput', `gpg could not decrypt the share (${code ?? 'signal'}).`, {
    advice: 'Nothing was sent. Is this your share, and the key it was encrypted for on this machine?',
  });
}
