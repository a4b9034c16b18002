import { type Command, Option } from 'commander';
import { APPROVAL_NAMESPACE } from '../../contract/approval';
import type * as Approve from '../approve';
import type * as HolderPage from '../holder-page';
import { jsonOption, lazily, verb, withCluster, withConfig, withJson, withOperator, withTemporal } from '../program';
import type * as Unseal from '../unseal';

export function approveCommand(): Command {
  const example = 'vault-dr approve --cluster prod --plan 3f9c1e07ab52';
  const command = verb(
    'approve',
    'Approve a plan that someone else requested',
    `${example}\n${example} --key ~/.ssh/id_ed25519_sk`,
  )
    .requiredOption('--plan <hash>', 'hash of the plan, as the status shows it; 8 characters or more')
    .option('--recover', 'what `recover --remote` reads of a backup, instead of a recovery')
    .addOption(
      new Option(
        '--key <file>',
        'your SSH key, or the public half of one in ssh-agent; default: ~/.ssh/id_ed25519, then id_ed25519_sk',
      ).env('VAULT_DR_APPROVAL_KEY'),
    )
    .option('--statement', `print what to sign with ssh-keygen -Y sign -n ${APPROVAL_NAMESPACE}; sends nothing`)
    .option('--signature <file>', 'send a signature made elsewhere over --statement')
    .action(lazily(() => (require('../approve') as typeof Approve).runApprove));
  return withJson(withOperator(withTemporal(withCluster(command))));
}

export function unsealCommand(): Command {
  const command = verb(
    'unseal',
    'Submit your unseal share, encrypted on this machine',
    'vault-dr unseal --cluster prod\nvault-dr unseal --cluster prod --pgp < share.b64',
  )
    .option('--drill', 'for a drill, which unseals nothing but a sandbox, instead of a recovery')
    .addOption(
      new Option('--roll-call', 'for a roll-call, which finds out who still has a share; the same').conflicts('drill'),
    )
    .addOption(
      new Option('--recover', 'for `recover --remote`, which unseals nothing but a sandbox').conflicts([
        'drill',
        'rollCall',
      ]),
    )
    .option('--pgp', 'the share is PGP-encrypted, by `vault operator init -pgp-keys`; your gpg decrypts it')
    .addOption(
      new Option('--recipients', 'print what the page of `holder-page` encrypts to; submits nothing').conflicts([
        'pgp',
        'envelope',
        'json',
      ]),
    )
    .addOption(new Option('--envelope <file>', 'submit what that page gave; - reads standard input').conflicts('pgp'))
    .action(lazily(() => (require('../unseal') as typeof Unseal).runUnseal));
  return withJson(withOperator(withConfig(withTemporal(withCluster(command)))));
}

export function holderPageCommand(): Command {
  const command = verb(
    'holder-page',
    'Write a page that encrypts a share in a browser',
    'vault-dr holder-page --cluster prod --output holder-prod.html',
  )
    .requiredOption('--output <file>', 'HTML file to write')
    .action(lazily(() => (require('../holder-page') as typeof HolderPage).runHolderPage));
  return withConfig(withCluster(command)).addOption(jsonOption());
}
