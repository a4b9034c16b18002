import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { clientTls } from './tls';
import { command, localUrl, name, path, remoteUrl } from './values';

const service = z.discriminatedUnion('driver', [
  z.strictObject({
    driver: z
      .literal('process')
      .describe('The agent starts Vault as its own child. Vault keeps running when the agent dies.'),
    command: command.describe('Command and arguments: [vault, server, -config=/etc/vault.d].'),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe("Environment variables of Vault. It does not inherit the agent's, except PATH and a few like it."),
    logFile: path.optional().describe("File for Vault's output. Default: vault.log in stateDir."),
    stopTimeoutSeconds: z.number().positive().default(30).describe('Time from SIGTERM to SIGKILL.'),
  }),
  z.strictObject({
    driver: z
      .literal('systemd')
      .describe('The agent starts and stops a unit of systemd, and keeps it stopped while a recovery needs that.'),
    unit: z
      .string()
      .regex(/^[A-Za-z0-9_][A-Za-z0-9:_.@\\-]{0,200}$/, 'must be the name of a unit, such as vault or vault@prod')
      .describe('Name of the unit: vault, vault.service, vault@prod.'),
    timeoutSeconds: z
      .number()
      .positive()
      .default(300)
      .describe(
        'How long the agent waits for a start or stop, before it reports it and tries again. It kills nothing.',
      ),
  }),
  z.strictObject({
    driver: z.literal('command').describe('Your own commands start and stop Vault, such as those of systemd.'),
    start: command.describe('Command and arguments: [systemctl, start, vault]. Must be repeatable.'),
    stop: command.describe('[systemctl, stop, vault]. Must be repeatable, and return only when Vault is down.'),
    status: command.describe(
      '[systemctl, is-active, --quiet, vault]. Exit status 0: running; 3: stopped; any other: an error.',
    ),
    log: command
      .optional()
      .describe(
        "Prints the end of Vault's log: [journalctl, --unit=vault, --lines=500, --output=cat]. Used to explain a time-out or a failed start.",
      ),
    timeoutSeconds: z.number().positive().default(90).describe('Time limit of each of these commands.'),
  }),
]);
export type ServiceConfig = z.infer<typeof service>;

/** Vault reads every .hcl and .json in a directory that it is started with, so what is prepared must not be one there. */
function switchProblem(present: string, prepared: string): string | null {
  if (!isAbsolute(present) || resolve(present) !== present) return 'must be an absolute path';
  if (present === prepared) return 'must be another file than the one that it replaces';
  if (dirname(present) === dirname(prepared) && /\.(hcl|json)$/.test(prepared))
    return `would be read by Vault already: give ${prepared} another ending, such as .raft`;
  return null;
}

/** ssh expands `%` and `~` in these, and splits them at blanks. */
const sshPath = path.refine((value) => /^[\w@+=:,./-]+$/.test(value), {
  error: 'must have no blanks, quotes, % or other characters that ssh or a shell would act upon',
});

const ssh = z.strictObject({
  host: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$/, 'must be the name or address of a host')
    .optional()
    .describe('Where its sshd is. Default: the host of `address`.'),
  port: z.int().min(1).max(65_535).default(22).describe('Its port.'),
  user: z
    .string()
    .regex(/^[a-z_][a-z0-9_.-]{0,31}$/i, 'must be the name of a user')
    .default('vault-dr-ssh')
    .describe('Who logs in there; a user with a shell, and with no right but the one of the rule of sudo.'),
  identityFile: sshPath
    .default('/etc/vault-dr/ssh/id_ed25519')
    .describe("The controller's private key, without a passphrase. A certificate may lie beside it."),
  knownHostsFile: sshPath
    .default('/etc/vault-dr/ssh/known_hosts')
    .describe('Host keys that are known. A host with another key, or with none in it, is refused.'),
  sudo: z
    .boolean()
    .default(true)
    .describe(
      'Whether the program runs through `sudo`. With `false` the user must be root, or own all that it changes.',
    ),
  program: sshPath.default('/usr/bin/vault-dr').describe('vault-dr on that host.'),
  configFile: sshPath
    .default('/etc/vault-dr/vault-dr.yaml')
    .describe("That host's own configuration, which decides what is done there."),
});

export const node = z.strictObject({
  name: name.describe("Name of the node in vault-dr; part of the name of the agent's task queue."),
  address: remoteUrl.describe(
    "The node's own API address, such as https://vault-1.example.com:8200, never a load balancer.",
  ),
  clusterAddress: z
    .string()
    .regex(/^[^\s/]+:\d+$/, 'must be host:port')
    .describe('host:port of its cluster listener.'),
  localAddress: localUrl
    .optional()
    .describe(
      'API address on the host itself, for the agent; its certificate must name the host of `address`. Default: where Vault listens, by its own configuration.',
    ),
  tls: clientTls.optional().describe("Client certificate for this node, instead of the cluster's."),
  nodeId: z.string().min(1).optional().describe("Raft node id: `node_id` in Vault's configuration. Default: the name."),
  dataDir: path
    .refine((value) => value !== '/', "must not be '/'")
    .optional()
    .describe(
      "Vault's data directory: `path` of its Raft storage. A restore renames it. With the method `consul`: where a migration to Raft will put the data. Required, with `service`, once the host has an agent.",
    ),
  stateDir: path
    .default('/var/lib/vault-dr')
    .describe(
      "The agent's own directory: its key, the staged backup, and which run the node belongs to. Not in dataDir, preferably on another disk.",
    ),
  agentPublicKey: z
    .string()
    .regex(/^[A-Za-z0-9+/]+=*$/, 'must be the line printed by `vault-dr agent-key`')
    .optional()
    .describe(
      "Public key of the node's agent, printed by `vault-dr agent-key`. Without it `vault-dr unseal` refuses to encrypt a share for this node.",
    ),
  configFiles: z
    .array(path)
    .default([])
    .describe(
      "Files and directories of this host that are added to each backup, encrypted: Vault's configuration and TLS files, which a snapshot does not contain.",
    ),
  migration: z
    .strictObject({
      configFiles: z
        .record(z.string(), path)
        .superRefine((files, context) => {
          for (const [present, prepared] of Object.entries(files)) {
            const problem = switchProblem(present, prepared);
            if (problem !== null) context.addIssue({ code: 'custom', path: [present], message: problem });
          }
          if (Object.keys(files).length === 0)
            context.addIssue({ code: 'custom', message: 'must name at least one file' });
        })
        .describe(
          "By file of Vault's present configuration: the file that takes its place, prepared on the host. {/etc/vault.d/vault.hcl: /etc/vault.d/vault.hcl.raft}",
        ),
    })
    .optional()
    .describe('What `vault-dr migrate-storage` puts in place on this host. To be removed after it.'),
  tempDir: path
    .default('/tmp')
    .describe('Where Vault buffers a snapshot that is uploaded: TMPDIR of its service, or /tmp.'),
  runtimeDir: path
    .default('/run/vault-dr')
    .describe("Directory in memory (tmpfs) for the key that decrypts a run's shares."),
  ssh: ssh
    .optional()
    .describe('Instead of an agent: controllers do the steps of this node over SSH. `{}` takes the defaults.'),
  service: service
    .optional()
    .describe('How Vault is started and stopped. Required, with `dataDir`, once the host has an agent.'),
});
export type NodeConfig = z.infer<typeof node>;
/** One whose host an agent may touch. Backups that ask Vault alone need no such node. */
export type HostedNode = NodeConfig & { dataDir: string; service: ServiceConfig };
