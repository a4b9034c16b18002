import { type Command, Option } from 'commander';
import type * as Init from '../init/command';
import { lazily, repeatable, verb, withConfig } from '../program';

const EXAMPLES = `vault-dr init
vault-dr init --print --address https://vault-1.example.com:8200 --trust namespace
VAULT_TOKEN=$(cat token) vault-dr init --yes --address https://vault-1.example.com:8200 --ca-file ca.pem --approver ana=ana.pub`;

/** Every question is a flag as well. */
export function initCommand(): Command {
  const command = verb('init', 'Set up backups of a running cluster', EXAMPLES)
    .option('--print', 'print everything that would be written; change nothing, here or in Vault')
    .option('--yes', 'ask nothing: take flags, environment and defaults')
    .addOption(new Option('--address <url>', 'API address of a node that serves').env('VAULT_ADDR'))
    .addOption(new Option('--ca-file <file>', "authority of Vault's certificates, PEM").env('VAULT_CACERT'))
    .addOption(new Option('--client-cert <file>', 'client certificate, if Vault requires one').env('VAULT_CLIENT_CERT'))
    .addOption(new Option('--client-key <file>', 'its key').env('VAULT_CLIENT_KEY'))
    .option('--token-file <file>', 'token of an administrator, used once and not kept; or VAULT_TOKEN, or a prompt')
    .option('--cluster <name>', 'name of the cluster in vault-dr; default: prod')
    .addOption(repeatable(new Option('--node <name=url>', "a node's own API address, where Vault does not say it")))
    .addOption(
      repeatable(
        new Option(
          '--repository <place>',
          'directory, or s3://BUCKET/PREFIX/, for backups; may be given several times',
        ),
      ),
    )
    .option('--region <name>', 'region of the bucket')
    .option('--endpoint <url>', 'S3 server, if it is not AWS')
    .option('--kms-key-id <arn>', 'KMS key that encrypts objects')
    .option('--object-lock <mode:days>', 'lock of each backup, such as COMPLIANCE:35')
    .option('--s3-access-key-file <file>', 'access key id; default: the AWS chain')
    .option('--s3-secret-key-file <file>', 'secret access key')
    .addOption(repeatable(new Option('--recipient <key>', 'another age recipient of backups, age1… or ssh-ed25519 …')))
    .option('--no-identity', 'make no age identity here: backups are for --recipient alone')
    .addOption(
      repeatable(new Option('--approver <name=key>', 'who may approve a restore, with SSH public key or its file')),
    )
    .addOption(new Option('--trust <whom>', 'instead of approvers, for a trial: nobody signs').choices(['namespace']))
    .option('--every <duration>', 'time between two backups, so the most that a restore loses; default: 6h')
    .option('--role <name>', 'of the AppRole and its policy in Vault', 'vault-dr')
    .option('--mount <path>', 'of the AppRole auth method', 'approle')
    .addOption(repeatable(new Option('--consul-address <url>', 'Consul, if Vault stores in it')))
    .option('--consul-ca-file <file>', "authority of Consul's certificates, PEM")
    .option('--consul-token-file <file>', "file with Consul's ACL token")
    .option('--consul-path <path>', 'below which Vault stores in it: `path` of its `storage "consul"`', 'vault/')
    .option('--window <time/minutes>', 'when Vault may be stopped for a copy, if it stores in files; default: 02:30/60')
    .option('--state-dir <path>', "the controller's own directory; default: /var/lib/vault-dr, for root")
    .action(lazily(() => (require('../init/command') as typeof Init).runInit));
  return withConfig(command);
}
