import { existsSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { DEFAULT_CONFIG_FILE } from '../config/default-file';
import { clusterOf, loadConfig, nodeOf } from '../config/load';
import { secretsOfAnyRecovery } from '../config/needed-secrets';
import type { Config, NodeConfig } from '../config/schema';
import { DrError } from '../contract/failures';
import { unitName } from '../contract/unit-name';
import { readIfThere } from '../files/files';
import { withVariables } from '../install/environment-file';
import type { InstalledFile } from '../install/install-file';
import { polkitRule, RULE_FILE } from '../install/polkit-rule';
import { agentSettings, controllerSettings, type Host, sandboxSettings, webSettings } from '../install/settings';
import { ENVIRONMENT_FILE, PACKAGED, type Part, UNIT_NAMES, unitText } from '../install/units';
import { note, print } from './output';
import { succeeds, writeFiles } from './install-files';

interface Options {
  config: string;
  print?: boolean;
  user?: string;
  cluster?: string;
  node?: string;
}

const PACKAGED_PROGRAM = '/usr/lib/vault-dr/';
/** Where systemd looks for credentials that only this host can decrypt. */
const ENCRYPTED_CREDENTIALS = ['/etc', '/run', '/usr/lib'].map((place) => `${place}/credstore.encrypted`);

export async function runInstall(part: Part, options: Options): Promise<void> {
  const isExpected = options.config !== DEFAULT_CONFIG_FILE || existsSync(options.config);
  const config = isExpected ? await loadConfig(options.config) : null;
  const node = part === 'agent' ? nodeOfHost(config, options) : null;
  const files = [
    await unitOf(part, config, node, options),
    ...(await environmentOf(options)),
    ...(part === 'agent' ? ruleOf(node, options) : []),
  ];
  if (options.print) {
    print(files.map(({ path, text }) => `# ${path}\n${text}`).join('\n'));
    return;
  }
  await writeFiles(files);
  if (config === null)
    note(`${options.config} is not there yet: once it is, run this again, so that the unit fits it.`);
  print(`Next:\n${(await nextOf(part, options)).map((line) => `  ${line}`).join('\n')}`);
}

async function unitOf(
  part: Part,
  config: Config | null,
  node: NodeConfig | null,
  { user, cluster = '' }: Options,
): Promise<InstalledFile> {
  const host: Host = { program: await programOf(), user, isEncrypted };
  const secrets = config && node ? secretsOfAnyRecovery(config, clusterOf(config, cluster), node.name) : [];
  const settings = {
    controller: () => controllerSettings(config, host),
    agent: () => agentSettings(node, host, secrets),
    sandbox: () => sandboxSettings(config, host),
    web: () => webSettings(config, host),
  }[part]();
  return {
    path: `/etc/systemd/system/${UNIT_NAMES[part]}`,
    text: unitText(part, settings),
    mode: 0o644,
    comment: '#',
    packaged: `/usr/lib/systemd/system/${UNIT_NAMES[part]}`,
  };
}

function isEncrypted(credential: string): boolean {
  return ENCRYPTED_CREDENTIALS.some((directory) => existsSync(`${directory}/${credential}`));
}

/** Of whatever is not the default: the unit is the same on every host. */
async function environmentOf({ config, cluster, node }: Options): Promise<InstalledFile[]> {
  const variables = {
    ...(config === DEFAULT_CONFIG_FILE ? {} : { VAULT_DR_CONFIG: await realpath(config) }),
    ...(cluster === undefined || node === undefined ? {} : { VAULT_DR_CLUSTER: cluster, VAULT_DR_NODE: node }),
  };
  if (Object.keys(variables).length === 0) return [];
  const present = (await readIfThere(ENVIRONMENT_FILE)) ?? '';
  // Keys of Temporal may be in it.
  return [{ path: ENVIRONMENT_FILE, text: withVariables(present, variables), mode: 0o600 }];
}

/** What polkit asks before a user who is not root starts or stops a unit. */
function ruleOf(node: NodeConfig | null, { user }: Options): InstalledFile[] {
  if (user === undefined || user === 'root') return [];
  if (node?.service?.driver !== 'systemd') {
    throw new DrError('InvalidInput', `An agent as ${user} needs a rule for the unit that it starts and stops.`, {
      advice: 'Give --cluster and --node of a node with `service: { driver: systemd, unit: … }`.',
    });
  }
  return [{ path: RULE_FILE, text: polkitRule(user, unitName(node.service.unit)), mode: 0o644, comment: '//' }];
}

/** @throws DrError InvalidInput if only half of it is known. */
function nodeOfHost(config: Config | null, { cluster, node }: Options): NodeConfig | null {
  if ((cluster === undefined) !== (node === undefined)) {
    throw new DrError('InvalidInput', '--cluster and --node belong together.', {
      advice: 'Give both; or none, and set VAULT_DR_CLUSTER and VAULT_DR_NODE in /etc/vault-dr/environment.',
    });
  }
  if (config === null || cluster === undefined || node === undefined) return null;
  return nodeOf(clusterOf(config, cluster), node);
}

/** That which runs now, unless a package put it there. */
async function programOf(): Promise<readonly string[]> {
  const script = await realpath(process.argv[1] ?? '');
  return script.startsWith(PACKAGED_PROGRAM) ? PACKAGED.agent.program : [process.execPath, script];
}

async function nextOf(part: Part, { user, cluster }: Options): Promise<string[]> {
  const name = UNIT_NAMES[part].replace(/\.service$/, '');
  const runsAs = user ?? PACKAGED[part].user;
  const isThere = await succeeds('id', ['--user', runsAs]);
  return [
    ...(isThere ? [] : [`useradd --system --home-dir /var/lib/vault-dr --shell /usr/sbin/nologin ${runsAs}`]),
    ...(part === 'agent' && cluster === undefined
      ? [`printf 'VAULT_DR_CLUSTER=%s\\nVAULT_DR_NODE=%s\\n' prod vault-1 >>${ENVIRONMENT_FILE}`]
      : []),
    `systemctl enable --now ${name}`,
    `journalctl --unit=${name} --follow`,
  ];
}
