import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { LabNetwork } from '../../src/lab/layout';
import { runProgram } from '../../src/lab/run-program';
import { describeIf } from './describe-if';

/** The two networks of a node: one for those who ask its API, and its agent; one for its peers (Raft, forwarded requests). */
export type Cable = 'api' | 'cluster';

/**
 * Two switches, and for each node a host with a cable to both. All of it is in namespaces that one process holds, so it is
 * gone with that process, which ends when its input does. `$1` nodes. This machine, as process `$3` sees it, has a cable to the
 * first switch, on the network 198.18.`$2`.0/24 (which is for benchmarks; nobody routes it). Temporal and S3 are at the switch.
 */
const BUILD = `
set -e
mount -t tmpfs tmpfs /run
mkdir /run/netns
ip link add outside type veth peer name "vdr$2" netns "$3"
ip link set lo up
for switch in api cluster; do
  ip link add "$switch" type bridge
  ip link set "$switch" up
done
ip address add "198.18.$2.254/24" dev api
ip link set outside master api up
for node in $(seq "$1"); do
  ip netns add "$node"
  ip -n "$node" link set lo up
  for switch in api cluster; do
    ip link add "$switch-$node" type veth peer name "$switch" netns "$node"
    ip link set "$switch-$node" master "$switch" up
    case $switch in api) net=18 ;; *) net=19 ;; esac
    ip -n "$node" address add "198.$net.$2.$node/24" dev "$switch"
    ip -n "$node" link set "$switch" up
  done
done
nsenter --target "$3" --net ip address add "198.18.$2.253/24" dev "vdr$2"
nsenter --target "$3" --net ip link set "vdr$2" up
echo built
exec cat`;

const TRIAL = `
ip link add switch type bridge && ip link add plug type veth peer name node && ip link set plug master switch &&
tc qdisc add dev node root tbf rate 8mbit burst 64k latency 1s`;

const mayBuild = spawnSync('unshare', ['--net', '--mount', 'sh', '-c', TRIAL]).status === 0;

/** For what needs `buildNetwork`: left out, and said to be, where nobody may. */
export const describeWithNetwork = describeIf(mayBuild, 'needs root, iproute2, and a kernel with bridge, veth and tbf');

export interface NodeNetwork extends LabNetwork {
  /** Pulls cables of a node out of their switch. No side gets an error: what is sent is lost. */
  cut(node: number, ...cables: Cable[]): Promise<void>;
  repair(node: number, ...cables: Cable[]): Promise<void>;
  /** Lets only so many kilobytes a second out of a node to those who ask its API; `null`: as many as go. */
  limit(node: number, kilobytes: number | null): Promise<void>;
  remove(): Promise<void>;
}

/** A real network between the nodes of a lab, whose cables can be pulled. */
export async function buildNetwork(count: number): Promise<NodeNetwork> {
  const env = { PATH: process.env['PATH'] ?? '' };
  const { holder, net } = await holdNetwork(count);
  const hosts = (network: number) => Array.from({ length: count }, (_, index) => `198.${network}.${net}.${index + 1}`);
  const atSwitch = ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
  const at = (node: number) => ['nsenter', `--net=/proc/${holder.pid}/root/run/netns/${node}`];
  const run = async (...command: string[]) => {
    const [program = '', ...args] = command;
    const { code, stderr } = await runProgram(program, args, env);
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stderr}`);
  };
  // The end in the switch: the node's own stays as it is, and so do its routes.
  const set = async (node: number, cables: Cable[], state: 'up' | 'down') => {
    for (const cable of cables) {
      await run(...atSwitch, 'ip', 'link', 'set', `${cable}-${node}`, state);
    }
  };
  const clusterHosts = hosts(19);
  return {
    services: { host: `198.18.${net}.254`, through: atSwitch },
    nodes: hosts(18).map((host, index) => ({
      host,
      clusterHost: clusterHosts[index] ?? '',
      through: at(index + 1),
    })),
    cut: (node, ...cables) => set(node, cables, 'down'),
    repair: (node, ...cables) => set(node, cables, 'up'),
    limit: (node, kilobytes) => {
      const shaping = ['dev', 'api', 'root', 'tbf', 'rate', `${kilobytes}kbps`, 'burst', '64k', 'latency', '1s'];
      const command = kilobytes === null ? ['del', 'dev', 'api', 'root'] : ['replace', ...shaping];
      return run(...at(node), 'tc', 'qdisc', ...command);
    },
    async remove() {
      const gone = once(holder, 'exit');
      holder.stdin?.end();
      await gone;
    },
  };
}

/** Tries one network after the other: another lab may have the first. */
async function holdNetwork(count: number): Promise<{ holder: ChildProcess; net: number }> {
  const first = process.pid;
  let problem = '';
  for (let turn = 0; turn < 5; turn++) {
    const net = (first + turn) % 256;
    const args = ['--net', '--mount', 'sh', '-c', BUILD, 'sh', String(count), String(net), String(process.pid)];
    const holder = spawn('unshare', args, { detached: true });
    problem = '';
    holder.stderr.on('data', (chunk: Buffer) => (problem += chunk.toString()));
    const { value } = await createInterface({ input: holder.stdout })[Symbol.asyncIterator]().next();
    if (value === 'built') return { holder, net };
  }
  throw new Error(`No network could be built: ${problem}`);
}
