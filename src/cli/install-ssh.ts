import { readFile } from 'node:fs/promises';
import { clusterOf, loadConfig, nodeOf } from '../config/load';
import { DrError } from '../contract/failures';
import { hostOf } from '../contract/addresses';
import { printable } from '../contract/printable';
import { shellWord } from '../contract/shell-word';
import { readIfThere } from '../files/files';
import { installFile } from '../install/install-file';
import { authorizedKey, knownHost, SUDOERS_FILE, sudoersRule } from '../install/ssh-files';
import { hostCommand, isOverSsh, type NodeOverSsh } from '../ssh/command';
import { succeeds } from './install-files';
import { print } from './output';

interface Options {
  config: string;
  cluster: string;
  node: string;
  key?: string;
  print?: boolean;
}

const HOST_KEY_FILE = '/etc/ssh/ssh_host_ed25519_key.pub';
const PUBLIC_KEY = /^[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [^\n"\\]*)?$/;

export async function runInstallSsh({
  config,
  cluster,
  node: name,
  key: keyFile,
  print: only,
}: Options): Promise<void> {
  const node = nodeOf(clusterOf(await loadConfig(config), cluster), name);
  if (!isOverSsh(node)) {
    throw new DrError('InvalidInput', `${name} has no \`ssh\` in ${config}.`, {
      advice: `Add \`ssh: {}\` to that node, here and in the configuration of the controller.`,
    });
  }
  const key = await readKey(keyFile);
  const rule = { path: SUDOERS_FILE, text: sudoersRule(node.ssh.user, hostCommand(cluster, node)) };
  if (node.ssh.sudo) {
    if (only) print(`# ${rule.path}\n${rule.text}`);
    else print(`${rule.path}: ${await installFile({ ...rule, mode: 0o440, comment: '#' })}.`);
  }
  print(`On this host:\n${indented(await onHost(cluster, node, key))}`);
  print(`On each controller:\n${indented(await onController(node))}`);
}

async function onHost(cluster: string, node: NodeOverSsh, key: string): Promise<string[]> {
  const { user, sudo } = node.ssh;
  const home = `/var/lib/${user}`;
  const words = [...(sudo ? ['sudo', '-n', '--'] : []), ...hostCommand(cluster, node)];
  const isThere = await succeeds('id', ['--user', user]);
  return [
    ...(isThere ? [] : [`useradd --system --create-home --home-dir ${home} --shell /bin/sh ${user}`]),
    `install --directory --mode=0700 --owner=${user} ~${user}/.ssh`,
    `echo ${shellWord(authorizedKey(words, key))} >>~${user}/.ssh/authorized_keys`,
    ...(sudo ? [`sudo -l -U ${user}`] : []),
  ];
}

async function onController(node: NodeOverSsh): Promise<string[]> {
  const { host, port, knownHostsFile, identityFile } = node.ssh;
  const own = await readIfThere(HOST_KEY_FILE);
  const key = own !== null && PUBLIC_KEY.test(own.trim()) ? own : `ssh-ed25519 KEY-IN-${HOST_KEY_FILE}`;
  const line = knownHost(host ?? hostOf(new URL(node.address)), port, key);
  return [
    `test -e ${identityFile} || ssh-keygen -q -t ed25519 -N '' -f ${identityFile}`,
    `echo ${shellWord(line)} >>${knownHostsFile}`,
    'vault-dr doctor controller',
  ];
}

/** @throws DrError InvalidInput for anything but one public key */
async function readKey(file: string | undefined): Promise<string> {
  if (file === undefined) return 'ssh-ed25519 KEY-OF-THE-CONTROLLER';
  const text = (await readFile(file, 'utf8').catch(() => '')).trim();
  if (PUBLIC_KEY.test(text)) return text;
  throw new DrError('InvalidInput', `--key: ${printable(file)} holds no public key, as in a \`.pub\` file.`);
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n');
}
