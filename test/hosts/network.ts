import { must, run } from '../support/shell';

/** Of the bridge; it is also the lock: two of these tests can't run at once on one machine. */
export const BRIDGE = 'vault-dr-hosts';
const SUBNET = '10.231.77';
const BITS = 24;
/** Of this machine. */
export const BRIDGE_ADDRESS = `${SUBNET}.1`;
export const DOMAIN = 'hosts.test';

/** Every host of the site; the last part of its address. */
export const HOSTS = {
  'vault-1': 11,
  'vault-2': 12,
  'vault-3': 13,
  'control-1': 21,
  'control-2': 22,
  temporal: 31,
  s3: 41,
} as const;
export type HostName = keyof typeof HOSTS;
export const HOST_NAMES = Object.keys(HOSTS) as HostName[];
export const VAULT_HOSTS = ['vault-1', 'vault-2', 'vault-3'] as const satisfies HostName[];
export type VaultHost = (typeof VAULT_HOSTS)[number];
export const CONTROL_HOSTS = ['control-1', 'control-2'] as const satisfies HostName[];
export type ControlHost = (typeof CONTROL_HOSTS)[number];

export const addressOf = (host: HostName) => `${SUBNET}.${HOSTS[host]}`;
export const fullName = (host: HostName) => `${host}.${DOMAIN}`;

/** `/etc/hosts` of all of them. */
export function hostsFile(): string {
  const lines = HOST_NAMES.map((host) => `${addressOf(host)} ${fullName(host)} ${host}`);
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...lines, ''].join('\n');
}

/** For systemd-networkd. */
export function networkFile(host: HostName): string {
  return `[Match]\nName=host0\n\n[Network]\nAddress=${addressOf(host)}/${BITS}\nLinkLocalAddressing=no\nLLDP=no\n`;
}

/** @throws Error where it is there already. */
export async function createBridge(): Promise<void> {
  await must(['ip', 'link', 'add', BRIDGE, 'type', 'bridge']);
  await must(['ip', 'address', 'add', `${BRIDGE_ADDRESS}/${BITS}`, 'dev', BRIDGE]);
  await must(['ip', 'link', 'set', BRIDGE, 'up']);
}

export async function removeBridge(): Promise<void> {
  await run(['ip', 'link', 'delete', BRIDGE]);
}

/** What a host does not hear: packets are lost silently, as in a broken switch. @param pid of its init */
export async function deafen(pid: number, to: HostName): Promise<void> {
  await must(['nsenter', `--target=${pid}`, '--net', 'iptables', '-A', 'INPUT', '-s', addressOf(to), '-j', 'DROP']);
}

export async function hearAll(pid: number): Promise<void> {
  await must(['nsenter', `--target=${pid}`, '--net', 'iptables', '-F', 'INPUT']);
}
