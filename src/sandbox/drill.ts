import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ClusterConfig, SandboxConfig } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import type { GenerationCopy, Manifest } from '../contract/generation';
import { privateDirectory } from '../files/files';
import { isKnownDead, ownIdentity } from '../files/process-identity';
import { fetchSnapshot } from '../repository/generations';
import type { Repository } from '../repository/types';
import { checkCanary } from '../vault/canary';
import { logIn } from '../vault/login';
import { openStored, proveArchive } from '../vault/stored-archive';
import { Fence } from './fence';
import type { DrillPhase, DrillResult } from '../contract/drill';
import { ScratchVault } from './scratch-vault';
import { fenceTargets } from './targets';

export interface DrillOptions {
  cluster: ClusterConfig;
  sandbox: SandboxConfig;
  stateDir: string;
  repository: Repository;
  copy: GenerationCopy;
  signal: AbortSignal;
  onPhase: (phase: DrillPhase) => void;
  /** Asks for the next original share; without it the drill ends when the backup is loaded. */
  askShare?: (given: number, needed: number) => Promise<string>;
}

/**
 * Brings a backup up in a Vault that can reach nothing, and removes it again. What it needs of the host is memory for
 * twice the data, and disk for the encrypted copy.
 * @throws DrError CopyDamaged, DecryptionFailed, InvalidConfiguration, NodeUnsafe, ServiceFailed, VaultRefused,
 * SharesDoNotOpen
 */
export async function drill(options: DrillOptions): Promise<DrillResult> {
  const { cluster, sandbox, repository, copy, signal, onPhase, askShare } = options;
  const { manifest } = copy;
  refuse(manifest);
  const phases: DrillResult['phases'] = [];
  const directory = await ownDirectory(options.stateDir);
  let fence: Fence | null = null;
  try {
    const path = join(directory, manifest.stored.file);
    await timed('fetch', async () => {
      await fetchSnapshot(repository, copy, path, { signal });
      // A wrong identity shows before anything is started.
      await proveArchive(await open(), manifest, signal);
    });
    const { targets, unresolved } = await fenceTargets(cluster, sandbox);
    const standing = await timed('fence', () =>
      Fence.open({ program: sandbox.program, writable: sandbox.writable, directory, targets }),
    );
    fence = standing;
    const onAbort = () => void standing.close();
    signal.addEventListener('abort', onAbort, { once: true });
    const vault = new ScratchVault(standing, signal);
    const result: DrillResult = {
      level: 'fetched',
      generation: copy.generation,
      repository: repository.name,
      serverVersion: null,
      targets: targets.length,
      unresolved,
      canary: null,
      canaryProblem: null,
      phases,
    };

    const { token, keys } = await timed('start', () => vault.startBlank(manifest));
    const status = await timed('load', async () => {
      await standing.prove();
      return vault.load(open, token, keys, manifest);
    });
    result.serverVersion = status.version ?? null;
    assertSame('number of shares', status.n, manifest.seal.secretShares);
    assertSame('threshold', status.t, manifest.seal.secretThreshold);
    result.level = 'installed';
    if (askShare === undefined) return result;

    await timed('unseal', async () => {
      await standing.prove();
      await unseal(vault, askShare, manifest.seal.secretThreshold);
      await vault.awaitActive();
    });
    await timed('verify', async () => {
      const { clusterId } = await vault.withClient((client) => client.sealStatus());
      assertSame('cluster id', clusterId ?? null, manifest.clusterId);
      Object.assign(result, await readCanary(vault));
    });
    result.level = 'restored';
    return result;

    function open(): Promise<Readable> {
      return openStored(path, manifest, cluster.restore, 'This host');
    }

    async function readCanary(server: ScratchVault): Promise<Pick<DrillResult, 'canary' | 'canaryProblem'>> {
      const { canary } = manifest;
      if (!canary) return { canary: null, canaryProblem: null };
      try {
        const own = await server.withClient((client) => logIn(client, cluster.auth));
        await server.withClient((client) => checkCanary(client, canary, new Date()), { token: own });
        return { canary: 'read', canaryProblem: null };
      } catch (error) {
        // Another canary than that of the backup is damage, and anything else is ignorance.
        if (!isDrError(error) || error.code === 'CopyDamaged') throw error;
        return { canary: 'not checked', canaryProblem: error.message };
      }
    }
  } finally {
    await fence?.close();
    await rm(directory, { recursive: true, force: true });
  }

  async function timed<T>(phase: DrillPhase, work: () => Promise<T>): Promise<T> {
    onPhase(phase);
    const began = Date.now();
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      phases.push({ phase, milliseconds: Date.now() - began });
    }
  }
}

/** What a sandbox can't bring up yet. */
function refuse({ content, seal, cluster }: Manifest): void {
  if (content !== undefined) {
    throw new DrError(
      'PlanRefused',
      `A drill needs a Raft snapshot; this backup was made by the method ${content.method}.`,
      {
        advice: `\`vault-dr backups verify --cluster ${cluster}\` reads it end to end.`,
      },
    );
  }
  if (seal.type === 'shamir') return;
  throw new DrError(
    'PlanRefused',
    `The seal of this backup is ${seal.type}, whose key service the sandbox cannot reach.`,
    {
      advice: `\`vault-dr backups verify --cluster ${cluster}\` reads it end to end. A rehearsal with this seal needs a cluster of its own, cut off from production.`,
    },
  );
}

/** Removes those of drills that were killed. */
async function ownDirectory(stateDir: string): Promise<string> {
  const drills = await privateDirectory(stateDir, 'drills');
  for (const name of await readdir(drills)) {
    if (await isKnownDead(name)) await rm(join(drills, name), { recursive: true, force: true });
  }
  return privateDirectory(drills, (await ownIdentity()) ?? randomUUID());
}

async function unseal(vault: ScratchVault, ask: NonNullable<DrillOptions['askShare']>, needed: number): Promise<void> {
  for (let given = 0; given < needed; given++) {
    const share = await ask(given, needed);
    try {
      await vault.unseal([share]);
    } catch (error) {
      if (!isDrError(error) || error.code !== 'VaultRefused') throw error;
      throw new DrError('SharesDoNotOpen', `These ${needed} shares do not open the backup.`, {
        advice: 'At least one of them is wrong, or belongs to a cluster that was rekeyed since. Repeat the drill.',
      });
    }
  }
}

function assertSame(what: string, found: unknown, expected: unknown): void {
  if (found === expected) return;
  throw new DrError('CopyDamaged', `The backup brings another ${what} than its manifest says.`, {
    advice: 'Use another backup, and find out who made this one.',
  });
}
