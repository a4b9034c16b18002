import { z } from 'zod';
import { command, name, path, secretSource } from './values';

/** Of the directories in which a Vault usually writes its audit log. */
const AUDIT_DIRECTORIES = ['/var/log/vault', '/var/log/openbao', '/vault/logs', '/openbao/logs'];

const hostPort = z.string().regex(/^(\[[0-9A-Fa-f:.]+\]|[^\s/:[\]]+):\d{1,5}$/, 'must be host:port');
const variable = z.string().regex(/^[A-Z_][A-Z0-9_]*$/i, 'must be the name of an environment variable');

const seal = z.strictObject({
  configFile: path.describe(
    "A file with the cluster's `seal` stanza: Vault's own configuration, of which nothing else is read. Files that the stanza names are copied into the sandbox.",
  ),
  reach: z
    .array(hostPort)
    .min(1)
    .max(16)
    .describe('Name and port of the key service, and of what else the seal needs: all that the sandbox reaches.'),
  environment: z
    .record(variable, secretSource)
    .default({})
    .describe('Variables of the Vault in the sandbox, by name, such as the credentials of a cloud.'),
  files: z
    .record(variable, path)
    .default({})
    .describe('Variables that name a file, which is copied into the sandbox: GOOGLE_APPLICATION_CREDENTIALS.'),
});

export const sandbox = z.strictObject({
  name: name
    .optional()
    .describe('What this sandbox host is called. Default: as its controller is, which is after the host.'),
  program: path.describe('Vault or OpenBao for drills, of the version that the cluster runs: /usr/bin/vault.'),
  writable: z
    .array(path)
    .default(AUDIT_DIRECTORIES)
    .describe(
      'Directories that exist in the sandbox, in memory: where the audit devices of the cluster write to. A Vault none of whose audit devices works serves nothing.',
    ),
  targets: z
    .array(hostPort)
    .default([])
    .describe(
      'What a drill proves to be out of reach, host:port, besides the nodes, the resolvers and a public address: databases, clouds, log servers.',
    ),
  seals: z
    .record(name, seal)
    .default({})
    .describe('Clusters that unseal themselves, by name: how the sandbox reaches their key.'),
  hook: z
    .strictObject({
      command: command.describe(
        'Command and arguments, as a list. It gets VAULT_ADDR and VAULT_TOKEN of the sandbox in its environment; another exit status than 0 fails the drill.',
      ),
      minutes: z.number().positive().max(1_440).default(10).describe('How long it may take.'),
    })
    .optional()
    .describe('A check of your own, run once the backup is unsealed in the sandbox.'),
  runtimeDir: path
    .default('/run/vault-dr-sandbox')
    .describe("Directory in memory (tmpfs) for the key that decrypts a drill's shares. Not that of an agent."),
});
