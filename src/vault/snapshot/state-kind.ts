import { DrError } from '../../contract/failures';

/** Consul's `state.bin` begins with a MessagePack map of one entry (agent/consul/fsm, SnapshotHeader). */
const CONSUL = Buffer.concat([Buffer.from([0x81, 0xa9]), Buffer.from('LastIndex')]);
/** Vault's begins with a length as a varint, and the tag of a StorageEntry's key. */
const RAFT = { mostLengthBytes: 5, keyTag: 0x0a };

/** @throws DrError SnapshotCorrupt for a snapshot of Consul where one of Vault's Raft storage is expected. */
export function refuseConsul(head: Buffer): void {
  if (!isConsul(head)) return;
  throw new DrError('SnapshotCorrupt', "The archive is a snapshot of Consul, not of Vault's Raft storage.", {
    retryable: false,
    advice:
      'Use it with a cluster that is backed up by `method: consul`. A Vault that stores in Raft takes snapshots of `vault operator raft snapshot save` only.',
  });
}

/** @throws DrError SnapshotCorrupt for a snapshot of Vault's Raft storage where one of Consul is expected. */
export function refuseRaft(head: Buffer): void {
  if (isConsul(head) || !isRaft(head)) return;
  throw new DrError('SnapshotCorrupt', "The archive is a snapshot of Vault's Raft storage, not of Consul.", {
    retryable: false,
    advice: 'Use it with a cluster that is backed up by `method: raft`. Consul takes its own snapshots only.',
  });
}

function isConsul(head: Buffer): boolean {
  return head.subarray(0, CONSUL.length).equals(CONSUL);
}

function isRaft(head: Buffer): boolean {
  const end = head.subarray(0, RAFT.mostLengthBytes).findIndex((byte) => byte < 0x80);
  return end >= 0 && head[end + 1] === RAFT.keyTag;
}
