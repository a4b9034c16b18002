import { waitFor } from '../../src/lab/processes';
import { words } from '../support/shell';
import type { Machine } from './machine';
import { typed, vaultDr } from './product';
import { CLUSTER } from './product-config';

/** What an accepting host shows to the person before it. */
const SHOWN = '/run/vault-dr-accept.log';
const WAIT_MS = 60_000;

/**
 * Agents get into the configuration, and get theirs, by one-time tokens: what a person at each host types and compares.
 * @param more words for `accept`, of a host that does not show what it had
 */
export async function enrol(
  controller: Machine,
  hosts: readonly Machine[],
  more: readonly string[] = [],
): Promise<void> {
  const accepting = [];
  for (const host of hosts) accepting.push(accept(host, await invite(controller, host), more));
  const all = Promise.all(accepting);
  // It is waited for below; until then it may fail.
  all.catch(() => undefined);
  const fingerprints = await Promise.all(hosts.map(fingerprintOn));
  const compared = fingerprints.flatMap((fingerprint) => ['--fingerprint', fingerprint]);
  await vaultDr(controller, [...words(`enrol confirm --cluster ${CLUSTER}`), ...compared]);
  await all;
}

async function invite(controller: Machine, { name }: Machine): Promise<string> {
  const said = await vaultDr(controller, ['enrol', 'invite', '--cluster', CLUSTER, '--node', name, '--json']);
  return (JSON.parse(said) as { token: string }).token;
}

/** Returns when somebody has confirmed it, and the configuration is written. */
async function accept(host: Machine, token: string, more: readonly string[]): Promise<void> {
  // Of a directory that is not on this host nothing is read, but it is named.
  const args = words('enrol accept --token-file - --yes --allow repositories.local.path');
  const screen = `"$@" 2>${SHOWN} || { cat ${SHOWN}; exit 1; }`;
  await host.must(['sh', '-c', screen, 'sh', ...typed([...args, ...more])], token);
}

/** Read from its screen: what the controller shows is to be compared with it. */
function fingerprintOn(host: Machine): Promise<string> {
  return waitFor(
    `${host.name} shows a fingerprint`,
    async () => {
      const { stdout } = await host.try(['cat', SHOWN]);
      return /^It must show this fingerprint: (\S+)$/m.exec(stdout)?.[1];
    },
    { timeoutMs: WAIT_MS, everyMs: 250 },
  );
}
