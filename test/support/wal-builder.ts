import { crc32c } from '../../src/files/crc32c';
import { boltFile, boltPage, inlineBucket } from './bolt-builder';

/** Builds small logs by the layout of hashicorp/raft-wal, to damage them in ways that no server does on request. */
export interface WalSegment {
  id: number;
  base: number;
  /** Last index of a segment that is closed. */
  max?: number;
  codec?: number;
}

const MAGIC = 0x58eb6b0d;

export function walMeta(segments: readonly WalSegment[]): Buffer {
  const state = {
    NextSegmentID: segments.length,
    Segments: segments.map(({ id, base, max = 0, codec = 1 }) => ({
      ID: id,
      BaseIndex: base,
      MinIndex: base,
      MaxIndex: max,
      Codec: codec,
      IndexStart: 0,
      CreateTime: '2026-11-01T00:00:00Z',
      SealTime: max === 0 ? '0001-01-01T00:00:00Z' : '2026-11-02T00:00:00Z',
      SizeLimit: 67_108_864,
    })),
  };
  const value = Buffer.from(JSON.stringify(state));
  return boltFile([boltPage(2, [{ key: 'wal-meta', value: inlineBucket([{ key: 'm', value }]), bucket: true }])]);
}

export function walFileName({ base, id }: WalSegment): string {
  return `${String(base).padStart(20, '0')}-${id.toString(16).padStart(16, '0')}.wal`;
}

export function walHeader({ id, base, codec = 1 }: WalSegment): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(MAGIC, 0);
  head.writeBigUInt64LE(BigInt(base), 8);
  head.writeBigUInt64LE(BigInt(id), 16);
  head.writeBigUInt64LE(BigInt(codec), 24);
  return head;
}

export function walEntry(index: number, term: number, data = 'data'): Buffer {
  return frame(1, Buffer.concat([varint(index), varint(term), Buffer.from([0, data.length]), Buffer.from(data)]));
}

/** What is written at once: entries and the commit that proves them. @param before the header, in the first one of a file */
export function walBatch(entries: readonly Buffer[], before: Buffer = Buffer.alloc(0)): Buffer {
  const content = Buffer.concat([before, ...entries]);
  const commit = Buffer.alloc(8);
  commit.writeUInt8(3, 0);
  commit.writeUInt32LE(crc32c(content), 4);
  return Buffer.concat([content, commit]);
}

function frame(kind: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt8(kind, 0);
  head.writeUInt32LE(payload.length, 4);
  return Buffer.concat([head, payload, Buffer.alloc((8 - (payload.length % 8)) % 8)]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 128) | 0x80);
  }
}
