import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { DrError } from '../contract/failures';
import { clusterInput, parseInput } from '../contract/input';
import { MESSAGE } from '../contract/names';
import { decodeShare } from '../contract/share';
import { encryptArmored } from '../crypto/age';
import { connectClient } from '../temporal/connect';
import { askRestore, restoreHandle, restoreProgress } from '../temporal/runs';
import { type MessageOptions, printAnswer } from './messages';
import { note } from './output';
import { temporalOptions, verb, withJson, withOperator, withTemporal } from './program';
import { promptHidden } from './prompt';

export function unsealCommand(): Command {
  const command = verb(
    'unseal',
    'Submit your unseal share to a running restore; it is encrypted before it leaves this machine',
    'vault-dr unseal --cluster prod',
  )
    .requiredOption('--cluster <name>', 'cluster of the configuration')
    .action(run);
  return withJson(withOperator(withTemporal(command)));
}

async function run(options: MessageOptions): Promise<void> {
  const { cluster } = parseInput(clusterInput, { cluster: options.cluster }, 'vault-dr unseal --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    const handle = restoreHandle(client, cluster);
    const { recipients, shares } = await restoreProgress(handle);
    if (recipients.length === 0 || shares === null) {
      throw new DrError('NoSuchRun', `The restore of '${cluster}' takes no shares now.`, {
        advice: `See what it waits for: vault-dr status --cluster ${cluster}`,
      });
    }
    note(`Restore of ${cluster}: ${shares.accepted.length} of ${shares.required} shares are here.`);
    const share = (process.stdin.isTTY ? await promptHidden('Your unseal share: ') : await text(process.stdin)).trim();
    if (decodeShare(share) === null) {
      throw new DrError('InvalidInput', 'That is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.', {
        advice: 'Nothing was sent. Give one share, as `vault operator init` printed it.',
      });
    }
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
