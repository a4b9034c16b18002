import type { ConsulConfig } from '../../../src/config/schema';
import type { ConsulClient } from '../../../src/consul/client';
import { connectToLeader, withConsul } from '../../../src/consul/connect';
import type { BackupPlan } from '../../../src/contract/backup';
import { DrError } from '../../../src/contract/failures';
import { printable } from '../../../src/contract/printable';
import { writeSnapshotFile } from '../../../src/repository/snapshot-file';
import { credentialFingerprint } from '../../../src/vault/login';
import { ConsulSnapshotVerifier } from '../../../src/vault/snapshot/consul/consul-archive';
import { consulContent } from '../../../src/vault/snapshot/consul/consul-content';
import { cancellation, heartbeatBytes } from '../../heartbeat';
import type { Controller } from '../context';
import type { Captured } from './captured';
import { tryCanary } from './canary';

/** From Consul's leader, in one pass: socket → verify → encrypt → staging file. The Vaults keep serving. */
export async function captureConsul(controller: Controller, plan: BackupPlan, directory: string): Promise<Captured> {
  const config = consulConfigOf(controller, plan.cluster);
  const leader = await controller.withLeader(plan.cluster, (view) => Promise.resolve(view));
  const onBytes = heartbeatBytes('capture');
  return controller.withLogin(plan.cluster, leader.leader.node, async (vault) => {
    const credential = await credentialFingerprint(controller.cluster(plan.cluster).auth);
    const status = await vault.sealStatus();
    const { canary, warnings } = await tryCanary(vault, plan.canary);
    const capture = async (consul: ConsulClient): Promise<Captured> => {
      const accessor = (await consul.selfToken())?.accessorId ?? null;
      warnings.push(...(await healthWarnings(consul)));
      const capturedAt = new Date().toISOString();
      const { body } = await consul.snapshot(config.consistency, { signal: cancellation() });
      const verifier = new ConsulSnapshotVerifier({
        prefix: config.path,
        accessors: accessor === null ? [] : [accessor],
      });
      const { file, ...stored } = await writeSnapshotFile(directory, body, verifier, plan.encryption, {
        signal: cancellation(),
        onProgress: onBytes,
        name: 'consul.snap',
      });
      const { summary } = verifier;
      return {
        file,
        capturedAt,
        leader,
        status,
        nonVoters: [],
        ownSeals: [],
        clockAheadSeconds: null,
        canary,
        credential,
        warnings,
        summary: { ...summary, raft: { ...summary.raft, peers: [] } },
        content: consulContent({ path: config.path, consistency: config.consistency, accessor }, summary.consul),
        stored,
      };
    };
    // Another server passes the request on, and under load may lose the leader's answer.
    return withConsul(config, capture, connectToLeader);
  });
}

export function consulConfigOf(controller: Controller, cluster: string): ConsulConfig {
  const { consul } = controller.cluster(cluster);
  if (consul) return consul;
  throw new DrError('InvalidConfiguration', `The configuration of '${cluster}' does not say where Consul is.`);
}

/** What is wrong with Consul and keeps no backup from being made. */
async function healthWarnings(consul: ConsulClient): Promise<string[]> {
  const { servers } = await consul.health();
  const sick = servers.filter(({ healthy }) => !healthy).map(({ name }) => printable(name));
  return sick.length === 0 ? [] : [`Consul reports ${sick.join(', ')} as unhealthy, of ${servers.length} servers`];
}
