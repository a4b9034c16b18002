/** Builds small bbolt files by the layout of go.etcd.io/bbolt, to damage them in ways that no server does on request. */
export const PAGE_SIZE = 4096;

export type Element =
  { key: string | Buffer; value: Buffer; bucket?: boolean } | { key: string | Buffer; child: number };

const BRANCH = 1;
const LEAF = 2;

/** A page with its elements; as many pages long as it needs. */
export function boltPage(number: number, elements: Element[], inline = false): Buffer {
  const table = Buffer.alloc(16 * elements.length);
  const data: Buffer[] = [];
  let dataAt = table.length;
  elements.forEach((element, index) => {
    const key = Buffer.from(element.key);
    const at = 16 * index;
    if ('child' in element) {
      table.writeUInt32LE(dataAt - at, at);
      table.writeUInt32LE(key.length, at + 4);
      table.writeBigUInt64LE(BigInt(element.child), at + 8);
      data.push(key);
    } else {
      table.writeUInt32LE(element.bucket ? 1 : 0, at);
      table.writeUInt32LE(dataAt - at, at + 4);
      table.writeUInt32LE(key.length, at + 8);
      table.writeUInt32LE(element.value.length, at + 12);
      data.push(key, element.value);
    }
    dataAt = table.length + Buffer.concat(data).length;
  });
  const pages = Math.ceil((16 + dataAt) / PAGE_SIZE);
  const header = Buffer.alloc(16);
  header.writeBigUInt64LE(BigInt(number), 0);
  header.writeUInt16LE(elements.some((element) => 'child' in element) ? BRANCH : LEAF, 8);
  header.writeUInt16LE(elements.length, 10);
  header.writeUInt32LE(inline ? 0 : pages - 1, 12);
  const page = Buffer.concat([header, table, ...data]);
  return inline ? page : Buffer.concat([page, Buffer.alloc(pages * PAGE_SIZE - page.length)]);
}

export function boltMeta(transaction: number, rootPage: number, pageLimit: number, pageSize = PAGE_SIZE): Buffer {
  const page = Buffer.alloc(pageSize);
  page.writeBigUInt64LE(BigInt(transaction % 2), 0);
  page.writeUInt16LE(4, 8);
  page.writeUInt32LE(0xed0cdaed, 16);
  page.writeUInt32LE(2, 20);
  page.writeUInt32LE(pageSize, 24);
  page.writeBigUInt64LE(BigInt(rootPage), 32);
  page.writeBigUInt64LE(BigInt(pageLimit), 56);
  page.writeBigUInt64LE(BigInt(transaction), 64);
  let sum = 0xcbf29ce484222325n;
  for (const byte of page.subarray(16, 72)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  page.writeBigUInt64LE(sum, 72);
  return page;
}

/** The value of a bucket that has pages of its own. */
export function bucketAt(page: number): Buffer {
  const value = Buffer.alloc(16);
  value.writeBigUInt64LE(BigInt(page), 0);
  return value;
}

/** The value of a bucket that is small enough to have its page inside. */
export function inlineBucket(elements: Element[]): Buffer {
  return Buffer.concat([Buffer.alloc(16), boltPage(0, elements, true)]);
}

/** Pages from number 2 on, behind two meta pages whose newest transaction has its root on page 2. */
export function boltFile(pages: Buffer[], transactions: [number, number] = [2, 3]): Buffer {
  const body = Buffer.concat(pages);
  const limit = 2 + body.length / PAGE_SIZE;
  return Buffer.concat([boltMeta(transactions[0], 2, limit), boltMeta(transactions[1], 2, limit), body]);
}
