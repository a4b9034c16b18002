import { randomUUID } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { ClusterConfig, SandboxConfig } from '../config/schema';
import type { DrillLeases, DrillResult } from '../contract/drill';
import type { DrillPhase } from '../contract/drill-levels';
import { DrError, isDrError } from '../contract/failures';
import { formatCount } from '../contract/format';
import type { GenerationCopy, Manifest } from '../contract/generation';
import { printable } from '../contract/printable';
import { privateDirectory } from '../files/files';
import { isKnownDead, ownIdentity } from '../files/process-identity';
import { fetchSnapshot } from '../repository/generations';
import type { Repository } from '../repository/types';
import type { SealStatus } from '../vault/answers';
import { unsealsItself } from '../vault/throwaway';
import { openStored, proveArchive } from '../vault/stored-archive';
import { Fence } from './fence';
import { ScratchVault } from './scratch-vault';
import { readSeal, type SandboxSeal } from './seal';
import { ShareJudge } from './share-judge';
import { fenceTargets } from '../vault/reach/fence-targets';

export interface SandboxOptions {
  cluster: ClusterConfig;
  sandbox: SandboxConfig;
  stateDir: string;
  repository: Repository;
  copy: GenerationCopy;
  signal: AbortSignal;
  onPhase: (phase: DrillPhase) => void;
}

const UNKNOWN_NODE = 'sandbox';

/** Asks for the next original share. */
export type AskShare = (given: number, needed: number) => Promise<string>;

export type Timed = <T>(phase: DrillPhase, work: () => Promise<T>) => Promise<T>;

/** A scratch Vault behind a proved fence, and the copy of a backup beside it. */
export interface Sandbox {
  vault: ScratchVault;
  /** How many addresses were proved to be out of reach, each time. */
  targets: number;
  /** Names of the configuration that have no address here, so that they were not tried. */
  unresolved: string[];
  phases: DrillResult['phases'];
  timed: Timed;
  /** Loads the backup; the Vault stays sealed, unless it unseals itself. */
  load: () => Promise<SealStatus>;
  /**
   * With the original shares, after all leases are removed. One that unseals itself needs none, and keeps its leases.
   * @param ask then for the recovery keys, if somebody has them: they make root tokens
   * @returns the shares: secret. @throws DrError SharesDoNotOpen
   */
  unseal: (ask: AskShare | undefined) => Promise<string[]>;
  /**
   * The same with those of them that are right. One that unseals itself only waits until it has.
   * @throws DrError SharesDoNotOpen, if no set of them opens
   */
  unsealWithAny: (judge: ShareJudge) => Promise<void>;
  /** Finds out what is not known yet of the shares, by making root tokens of sets of them. @throws DrError VaultRefused */
  judge: (judge: ShareJudge) => Promise<void>;
  /** What was removed before it was unsealed. */
  leases: () => DrillLeases | undefined;
}

/**
 * Makes a Vault that can reach nothing, for a backup that is fetched and whole, and removes all of it after the work. What
 * it needs of the host is memory for twice the data, and disk for the encrypted copy.
 * @throws DrError CopyDamaged, DecryptionFailed, InvalidConfiguration, NodeUnsafe, PlanRefused, ServiceFailed,
 * VaultRefused; what the work throws
 */
export async function withSandbox<T>(options: SandboxOptions, work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const { cluster, sandbox, repository, copy, signal, onPhase } = options;
  const { manifest } = copy;
  refuse(manifest);
  const seal = await sealFor(manifest, sandbox);
  const phases: DrillResult['phases'] = [];
  const directory = await ownDirectory(options.stateDir);
  const path = join(directory, manifest.stored.file);
  const open = (): Promise<Readable> => openStored(path, manifest, cluster.restore, 'This host');
  let fence: Fence | null = null;
  let at: DrillPhase = 'fetch';
  let leases: DrillLeases | undefined;
  let serverVersion: string | null = null;
  try {
    await timed('fetch', () => fetchSnapshot(repository, copy, path, { signal }));
    // A wrong identity shows before anything is started.
    await timed('decrypt', async () => proveArchive(await open(), manifest, signal));
    const { targets, unresolved } = await fenceTargets(cluster, sandbox);
    const standing = await timed('fence', () =>
      Fence.open({
        program: sandbox.program,
        writable: sandbox.writable,
        directory,
        targets,
        nodeId: nodeIdIn(manifest),
        seal,
      }),
    );
    fence = standing;
    const onAbort = () => void standing.close();
    signal.addEventListener('abort', onAbort, { once: true });
    const vault = new ScratchVault(standing, signal);
    return await work({
      vault,
      targets: targets.length,
      unresolved,
      phases,
      timed,
      load: async () => {
        const { token, keys, version } = await timed('start', () => vault.startBlank(manifest));
        serverVersion = version;
        return timed('load', async () => {
          await standing.prove();
          return assertSeal(await vault.load(open, token, keys, manifest), manifest);
        });
      },
      unseal: (ask) =>
        timed('unseal', async () => {
          await standing.prove();
          if (ask === undefined && !unsealsItself(manifest)) return [];
          const { secretThreshold } = manifest.recovery ?? manifest.seal;
          const shares = ask ? await askForShares(ask, secretThreshold) : [];
          await activate(vault, new ShareJudge(shares, secretThreshold));
          return shares;
        }),
      unsealWithAny: (judge) =>
        timed('unseal', async () => {
          await standing.prove();
          await activate(vault, judge);
        }),
      judge: (judge) => vault.withClient((client) => judge.judgeRest(client)),
      leases: () => leases,
    });
  } catch (error) {
    throw isDrError(error) && !signal.aborted ? new SandboxFailed(error, { phase: at, serverVersion, phases }) : error;
  } finally {
    await fence?.close();
    await rm(directory, { recursive: true, force: true });
  }

  async function activate(vault: ScratchVault, judge: ShareJudge): Promise<void> {
    if (!unsealsItself(manifest)) {
      leases = await disarm(vault, judge, manifest);
      await unseal(vault, judge);
    }
    await vault.awaitActive();
  }

  async function timed<R>(phase: DrillPhase, part: () => Promise<R>): Promise<R> {
    at = phase;
    onPhase(phase);
    const began = Date.now();
    try {
      return await part();
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      phases.push({ phase, milliseconds: Date.now() - began });
    }
  }
}

/** The same failure, with what the work had found out by then. */
export class SandboxFailed extends DrError {
  constructor(
    { code, message, advice, where, retryable, cause }: DrError,
    readonly soFar: Pick<DrillResult, 'serverVersion' | 'phases'> & { phase: DrillPhase },
  ) {
    super(code, message, { advice, where, retryable, cause });
  }
}

/** An imported backup does not know its cluster. @throws DrError CopyDamaged */
export function assertCluster(found: string | undefined, { clusterId }: Pick<Manifest, 'clusterId'>): void {
  if (clusterId !== null) assertSame('cluster id', found ?? null, clusterId);
}

/** @throws DrError CopyDamaged */
function assertSame(what: string, found: unknown, expected: unknown): void {
  if (found === expected) return;
  throw new DrError('CopyDamaged', `The backup brings another ${what} than its manifest says.`, {
    advice: 'Use another backup, and find out who made this one.',
  });
}

function assertSeal(status: SealStatus, { seal, recovery }: Manifest): SealStatus {
  // One that unseals itself shows the numbers of its recovery keys.
  const { secretShares, secretThreshold } = recovery ?? seal;
  assertSame('number of shares', status.n, secretShares);
  assertSame('threshold', status.t, secretThreshold);
  return status;
}

/** Undefined if people unseal it. @throws DrError InvalidConfiguration */
async function sealFor({ cluster, seal }: Manifest, { seals }: SandboxConfig): Promise<SandboxSeal | undefined> {
  if (seal.type === 'shamir') return undefined;
  const configured = seals[cluster];
  if (configured === undefined) {
    throw new DrError(
      'InvalidConfiguration',
      `The seal of this backup is ${printable(seal.type)}, and the sandbox does not know how to reach its key.`,
      {
        advice: `Add \`sandbox.seals.${cluster}\`: the file with the seal stanza, and the address of its key service.`,
      },
    );
  }
  const known = await readSeal(configured, cluster);
  if (known.type === seal.type) return known;
  throw new DrError(
    'InvalidConfiguration',
    `The seal of this backup is ${printable(seal.type)}, but that in ${configured.configFile} is ${printable(known.type)}.`,
    { advice: 'Give the seal that the cluster had when the backup was made.' },
  );
}

/** What a sandbox can't bring up. */
function refuse({ content, cluster }: Manifest): void {
  if (content === undefined) return;
  throw new DrError(
    'PlanRefused',
    `A drill needs a Raft snapshot; this backup was made by the method ${content.method}.`,
    { advice: `\`vault-dr backups verify --cluster ${cluster}\` reads it end to end.` },
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

async function askForShares(ask: AskShare, needed: number): Promise<string[]> {
  const shares: string[] = [];
  while (shares.length < needed) {
    const share = await ask(shares.length, needed);
    if (shares.includes(share)) {
      throw new DrError('ShareRefused', 'The same share was given twice, and Vault counts it once.', {
        advice: `Repeat it with ${needed} different shares.`,
      });
    }
    shares.push(share);
  }
  return shares;
}

/** Only what unseals it counts: recovery mode may refuse shares for other reasons. */
async function unseal(vault: ScratchVault, judge: ShareJudge): Promise<void> {
  const { opening } = judge;
  if (opening !== null && (await vault.unseals(opening))) return;
  judge.forget();
  if ((await judge.findOpening((set) => vault.unseals(set))) !== null) return;
  const { shares, threshold } = judge;
  const which = shares.length === threshold ? `These ${threshold}` : `No ${threshold} of these ${shares.length}`;
  const some =
    shares.length === threshold ? 'At least one of them is' : `At least ${shares.length - threshold + 1} of them are`;
  throw new DrError(
    'SharesDoNotOpen',
    `${which} shares ${shares.length === threshold ? 'do not ' : ''}open the backup.`,
    {
      advice: `${some} wrong, or of a cluster that was rekeyed since. Try again with others.`,
    },
  );
}

/** The first one: a restored Vault is a member of its own cluster only under the name of one of the backup's. */
function nodeIdIn({ raft }: Manifest): string {
  return raft.peers[0]?.id ?? UNKNOWN_NODE;
}

/** Belt to the fence's braces. What keeps it from being done does not fail a drill: the fence holds without it. */
async function disarm(vault: ScratchVault, judge: ShareJudge, manifest: Manifest): Promise<DrillLeases> {
  const nothing = { leases: 0, staticRoles: 0 };
  if (manifest.raft.peers.length === 0)
    return { ...nothing, problem: 'the backup does not say by which name a node knew itself' };
  try {
    const { byMount, staticRoles, skipped } = await vault.disarm(judge, manifest);
    const leases = Object.values(byMount).reduce((sum, count) => sum + count, 0);
    return {
      leases,
      staticRoles,
      problem: skipped === 0 ? null : `${formatCount(skipped, 'entry', 'entries')} could not be changed`,
    };
  } catch (error) {
    if (!isDrError(error)) throw error;
    return { ...nothing, problem: error.message };
  } finally {
    await vault.restart(manifest);
  }
}
