import type { NodeConfig } from '../config/schema';
import { hostOf } from '../contract/addresses';
import { shellWord } from '../contract/shell-word';

export type NodeOverSsh = NodeConfig & { ssh: NonNullable<NodeConfig['ssh']> };

export interface Command {
  program: string;
  args: readonly string[];
}

export function isOverSsh(node: NodeConfig): node is NodeOverSsh {
  return node.ssh !== undefined;
}

/**
 * What is fixed, whatever ssh_config says: no question is ever asked, only a known host is talked to, with one key, and
 * nothing is forwarded. Each attempt is a connection of its own, so that its end is the end of that attempt alone.
 */
const FIXED = {
  BatchMode: 'yes',
  StrictHostKeyChecking: 'yes',
  GlobalKnownHostsFile: '/dev/null',
  VerifyHostKeyDNS: 'no',
  UpdateHostKeys: 'no',
  IdentitiesOnly: 'yes',
  IdentityAgent: 'none',
  PreferredAuthentications: 'publickey',
  ClearAllForwardings: 'yes',
  ForwardAgent: 'no',
  ForwardX11: 'no',
  PermitLocalCommand: 'no',
  Tunnel: 'no',
  RequestTTY: 'no',
  EscapeChar: 'none',
  ControlMaster: 'no',
  ControlPath: 'none',
  ConnectionAttempts: '1',
  ConnectTimeout: '5',
  ServerAliveInterval: '4',
  ServerAliveCountMax: '3',
  LogLevel: 'ERROR',
} as const;

/** The program on the host, as sudo rules and authorized keys name it. */
export function hostCommand(cluster: string, { name, ssh }: NodeOverSsh): string[] {
  return [ssh.program, 'host-step', '--config', ssh.configFile, '--cluster', cluster, '--node', name];
}

/** The same as the controller asks for it: one line for the shell of the user there. */
export function remoteLine(cluster: string, node: NodeOverSsh): string {
  const words = hostCommand(cluster, node);
  return [...(node.ssh.sudo ? ['sudo', '-n', '--'] : []), ...words].map(shellWord).join(' ');
}

/** Nothing in it comes from Temporal: what a step is about goes through standard input. */
export function sshCommand(cluster: string, node: NodeOverSsh): Command {
  const { host, user, port, identityFile, knownHostsFile } = node.ssh;
  const options = { ...FIXED, UserKnownHostsFile: knownHostsFile, IdentityFile: identityFile };
  return {
    program: 'ssh',
    args: [
      ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]),
      '-p',
      String(port),
      '-l',
      user,
      '--',
      host ?? hostOf(new URL(node.address)),
      remoteLine(cluster, node),
    ],
  };
}
