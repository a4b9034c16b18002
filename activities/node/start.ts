import { join } from 'node:path';
import type { NodeConfig } from '../../src/config/schema';
import { DrError } from '../../src/contract/failures';
import type { SealReport } from '../../src/contract/host';
import type { RunClaim } from '../../src/contract/recovery';
import type { Attempt } from '../../src/host/run/attempt';
import {
  blankDataDirectory,
  describeDataDirectory,
  inData,
  JOIN_BEGUN,
  readMarker,
} from '../../src/host/data/data-directory';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { privateDirectory } from '../../src/files/files';
import { readOwnFile } from '../../src/files/own-files';
import { forgetInstall } from '../../src/host/data/install-note';
import { putOnlyPeer } from '../../src/host/data/peers';
import { proveStopped } from '../../src/host/service/service';
import { sealReportOf } from '../../src/vault/answers';
import type { VaultClient } from '../../src/vault/client';
import { caPemOf, clientCertificateOf } from '../../src/vault/connect-node';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import type { NodeHost } from './context';
import { readServer } from '../../src/host/service/read-server';
import { refuseInitialize } from './refuse-initialize';

/** Starts a node without changing it. */
export async function startNode(host: NodeHost, input: { claim: RunClaim }): Promise<SealReport> {
  return host.retry(input.claim, { kind: 'start' }, async (attempt) => {
    // What is started here is what was there before, or shares its storage with a node that serves.
    await host.driver.quiet?.lift(attempt);
    if (!(await host.stops.end(input.claim.run, attempt))) await host.driver.start(attempt);
    return sealReport(host, attempt);
  });
}

/** Restarts a node, to prove that it survives that. */
export async function restartNode(host: NodeHost, input: { claim: RunClaim }): Promise<SealReport> {
  return host.retry(input.claim, { kind: 'restart' }, async (attempt) => {
    await host.driver.stop(attempt);
    await host.driver.start(attempt);
    return sealReport(host, attempt);
  });
}

/**
 * Makes the survivor of a lost quorum the only peer, in Vault's own way: with a `raft/peers.json` that Vault reads and
 * deletes when its Raft starts.
 */
export async function recoverPeers(host: NodeHost, input: { claim: RunClaim }): Promise<SealReport> {
  return host.retry(input.claim, { kind: 'recover peers' }, async (attempt) => {
    await host.driver.stop(attempt);
    await proveStopped(host.node, host.driver);
    await writePeers(host, input.claim.run, attempt);
    await host.driver.start(attempt);
    return sealReport(host, attempt);
  });
}

async function writePeers(host: NodeHost, run: string, attempt: Attempt): Promise<void> {
  const { node } = host;
  if ((await readMarker(node.dataDir)) !== run) {
    throw new DrError('NodeUnsafe', `${node.dataDir} was not copied by this run, so it is not changed.`, {
      where: node.name,
      advice: 'Start the recovery again.',
    });
  }
  const peer = { id: await ownNodeId(host), address: node.clusterAddress };
  await inData(node.dataDir, (data) => putOnlyPeer(data, peer, attempt));
}

/**
 * As Vault itself determines it: from its environment or configuration, otherwise from the file in which it stored the
 * one that it generated.
 */
async function ownNodeId(host: NodeHost): Promise<string> {
  const { node } = host;
  const { server } = await readServer(host);
  const storage = await readRaftStorage(node.dataDir);
  return server?.facts.storage?.nodeId ?? storage?.nodeId ?? node.nodeId ?? node.name;
}

/** Starts a blank node and joins it to the first one; a node that has joined is left alone. */
export async function joinNode(
  host: NodeHost,
  input: { claim: RunClaim; leaderAddress: string; nonVoter?: boolean | undefined },
): Promise<void> {
  const { cluster } = host.deps;
  const { nonVoter = false } = input;
  await host.retry(input.claim, { kind: 'join', nonVoter }, async (attempt) => {
    const leader = leaderAt(host, input.leaderAddress);
    await assertOwnBlank(host, input.claim.run, attempt);
    await assertRaft(host);
    await refuseInitialize(host);
    await host.driver.start(attempt);
    await host.withVault(async (vault) => {
      if ((await host.waitForVault(vault, attempt)).initialized) return;
      attempt.assertCurrent();
      await vault.raftJoin({
        leaderApiAddr: leader.address,
        leaderCaPem: await caPemOf(cluster),
        clientCertificate: await clientCertificateOf(cluster, leader),
        ...(nonVoter ? { nonVoter } : {}),
      });
    });
  });
}

/** On another storage it would open whatever is there, instead of joining. */
async function assertRaft(host: NodeHost): Promise<void> {
  const { server } = await readServer(host);
  const type = server?.facts.storage?.type ?? 'raft';
  if (type === 'raft') return;
  throw new DrError(
    'InvalidConfiguration',
    `Vault on ${host.node.name} is configured with the storage '${type}', so it can't join a Raft cluster.`,
    {
      where: host.node.name,
      advice: 'Nothing was started. Give it its configuration with `storage "raft"`, then resume.',
    },
  );
}

/** A node that joins takes in whatever the leader has: it must be one of its own cluster. @returns it as it is configured. */
function leaderAt({ node, deps }: NodeHost, address: string): NodeConfig {
  const others = deps.cluster.nodes.filter(({ name }) => name !== node.name);
  const leader = others.find((other) => sameServer(other.address, address));
  if (leader !== undefined) return leader;
  throw new DrError(
    'InvalidConfiguration',
    `${node.name} should join ${address}, which is not another node of '${deps.clusterName}'.`,
    {
      notice: 'host-configuration-differs',
      where: node.name,
      advice: `The configuration of this host has ${others.map((other) => other.address).join(', ') || 'no other node'}: make it the same as the controller's, restart the agent, and resume.`,
    },
  );
}

function sameServer(left: string, right: string): boolean {
  return URL.canParse(left) && URL.canParse(right) && new URL(left).origin === new URL(right).origin;
}

/**
 * A Vault that starts with old data reports that it is initialised, just as one that has joined, and the holders'
 * shares unseal it. So before the first start of a join the directory must be the run's own, and blank.
 */
async function assertOwnBlank(host: NodeHost, run: string, attempt: Attempt): Promise<void> {
  const { name, dataDir } = host.node;
  const begun = join(await privateDirectory(await host.runDirectory(run)), JOIN_BEGUN);
  const { exists, empty, madeByRun } = await describeDataDirectory(dataDir);
  if (exists && madeByRun !== run) {
    throw new DrError(
      'NodeUnsafe',
      `${dataDir} is not the directory that this run created, so nothing is started on it.`,
      {
        where: name,
        advice: 'Find out whose data this is. If it is not needed there, move it away by hand, then resume.',
      },
    );
  }
  if (!exists) await blankDataDirectory(dataDir, run, attempt);
  else if (!empty && readOwnFile(begun) === null) {
    throw new DrError('ServiceFailed', `${dataDir}, emptied by this run, holds data from something else.`, {
      where: name,
      advice: `Something wrote there meanwhile (a service manager, or another restore). Stop it, then resume.`,
      retryable: false,
    });
  }
  attempt.assertCurrent();
  await writeFileAtomically(begun, `${new Date().toISOString()}\n`);
}

/**
 * How long a node that has joined may still look blank; one that was restarted before it had the cluster's data stays
 * blank.
 */
const STILL_BLANK_MS = 10_000;

/** Waits until an auto-unseal node has unsealed itself. */
export async function awaitUnsealed(host: NodeHost, input: { claim: RunClaim }): Promise<void> {
  let blankSince = Infinity;
  const poll = async (vault: VaultClient) => {
    const { initialized, sealed } = await vault.sealStatus();
    blankSince = initialized ? Infinity : Math.min(blankSince, Date.now());
    return !sealed || Date.now() - blankSince > STILL_BLANK_MS ? { initialized } : null;
  };
  const advice = `Check that its seal can reach its key, and read Vault's log on ${host.node.name}. Then resume.`;
  const { initialized } = await host.retry(input.claim, { kind: 'unseal' }, (attempt) =>
    host.withVault((vault) =>
      host.pollVault(`${host.node.name} to unseal by itself`, attempt, () => poll(vault), {
        advice,
        notice: 'seal-key-unreachable',
      }),
    ),
  );
  if (initialized) return forgetInstall(host.node.dataDir);
  throw new DrError('ServiceFailed', `${host.node.name} was restarted before it had the data of the cluster.`, {
    where: host.node.name,
    advice: 'Set its data directory aside, and join it again.',
    retryable: false,
  });
}

async function sealReport(host: NodeHost, attempt: Attempt): Promise<SealReport> {
  return host.withVault(async (vault) => {
    return sealReportOf(await host.waitForVault(vault, attempt));
  });
}
