import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_PATTERN, runName } from '../contract/names';
import { writeFileAtomically } from '../files/atomic-file';
import { privateDirectory } from '../files/files';
import { type NodeOverSsh, remoteLine, sshCommand } from './command';
import { PROTOCOL } from './messages';
import { requestOverSsh } from './remote-step';

/** A host that a run has claimed through this controller. */
interface Claimed {
  cluster: string;
  node: string;
  run: string;
}

const DIRECTORY = 'ssh-claims';
const TEND_WITHIN_MS = 60_000;

/**
 * An agent cleans up after a run that could not, such as one that was terminated. Without one the controller that has
 * claimed a host remembers it, and has the host do so, once, when the run is over.
 */
export class ClaimedHosts {
  constructor(private readonly stateDir: string) {}

  async add({ cluster, node, run }: Claimed): Promise<void> {
    const directory = await privateDirectory(this.stateDir, DIRECTORY);
    await writeFileAtomically(join(directory, [cluster, node, runName(run)].join('.')), '');
  }

  async #all(): Promise<{ file: string; claimed: Claimed }[]> {
    const directory = join(this.stateDir, DIRECTORY);
    const names = await readdir(directory).catch(() => []);
    return names.flatMap((name) => {
      const [cluster, node, run, ...more] = name.split('.');
      if (!cluster || !node || !run || !RUN_PATTERN.test(run) || more.length > 0) return [];
      return [{ file: join(directory, name), claimed: { cluster, node, run } }];
    });
  }

  /**
   * @param nodes those that are served over SSH
   * @returns the runs after which a host has been cleaned up
   */
  async tend(
    nodes: readonly { cluster: string; node: NodeOverSsh }[],
    isOver: (cluster: string, run: string) => Promise<boolean>,
    signal: AbortSignal,
  ): Promise<string[]> {
    const ended: string[] = [];
    for (const { file, claimed } of await this.#all()) {
      const { cluster, run } = claimed;
      const served = nodes.find((item) => item.cluster === cluster && item.node.name === claimed.node);
      if (served !== undefined) {
        if (!(await isOver(cluster, run))) continue;
        await tendHost(served, (other) => isOver(cluster, other), signal);
        ended.push(run);
      }
      await rm(file, { force: true });
    }
    return [...new Set(ended)];
  }
}

/** Whether a step could be done on that host. @throws DrError that says what prevents it */
export async function checkHost(cluster: string, node: NodeOverSsh, signal: AbortSignal): Promise<void> {
  await request(cluster, node, 'check', { isOver: () => Promise.resolve(false), signal });
}

async function tendHost(
  { cluster, node }: { cluster: string; node: NodeOverSsh },
  isOver: (run: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const limited = AbortSignal.any([signal, AbortSignal.timeout(TEND_WITHIN_MS)]);
  await request(cluster, node, 'tend', { isOver, signal: limited });
}

async function request(
  cluster: string,
  node: NodeOverSsh,
  type: 'check' | 'tend',
  { isOver, signal }: { isOver: (run: string) => Promise<boolean>; signal: AbortSignal },
): Promise<void> {
  await requestOverSsh({
    node,
    command: sshCommand(cluster, node),
    remoteLine: remoteLine(cluster, node),
    what: type === 'check' ? 'a check' : 'cleaning up',
    request: { type, protocol: PROTOCOL },
    calls: {
      isOver,
      confirmAttempt: () => Promise.reject(new Error('No step runs.')),
      heartbeat: () => undefined,
    },
    signal,
  });
}
