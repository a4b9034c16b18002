import { gunzipSync, gzipSync } from 'node:zlib';
import { extract, type Header, pack } from 'tar-stream';

export interface TarMember {
  header: Partial<Header> & { name: string };
  content: Buffer;
}

/** The members of a gzipped tar, to be changed and put together again. */
export async function membersOf(archive: Buffer): Promise<TarMember[]> {
  const tar = extract();
  tar.end(gunzipSync(archive));
  const members: TarMember[] = [];
  for await (const entry of tar) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
    const { path: _path, ...pax } = (entry.header.pax ?? {}) as Record<string, string>;
    members.push({ header: { ...entry.header, pax }, content: Buffer.concat(chunks) });
  }
  return members;
}

export async function archiveOfMembers(members: readonly TarMember[]): Promise<Buffer> {
  const tar = pack();
  for (const { header, content } of members) {
    // The library writes no content for a type that has none.
    if (header.type === undefined || header.type === 'file') tar.entry({ ...header, size: content.length }, content);
    else tar.entry({ ...header, size: 0 });
  }
  tar.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of tar) chunks.push(chunk as Buffer);
  return gzipSync(Buffer.concat(chunks));
}
