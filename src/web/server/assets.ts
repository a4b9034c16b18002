import type { Context } from 'hono';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { WebAsset } from '../assets';

const ASSET_PATH = '/assets/';
export const ASSET_PATHS = `${ASSET_PATH}*`;

export function assetPath({ name }: Pick<WebAsset, 'name'>): string {
  return `${ASSET_PATH}${name}`;
}

/** Answers with a file that never changes under its name. Nothing in it is secret, so it may be compressed. */
export function serveAsset({ type, text }: WebAsset): (context: Context) => Response {
  const body = Buffer.from(text);
  const encoded = { br: brotliCompressSync(body), gzip: gzipSync(body) };
  return (context) => {
    const accepted = (context.req.header('accept-encoding') ?? '').split(',').map((one) => one.split(';')[0]?.trim());
    const encoding = (['br', 'gzip'] as const).find((one) => accepted.includes(one));
    return context.body(new Uint8Array(encoding ? encoded[encoding] : body), 200, {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=31536000, immutable',
      Vary: 'Accept-Encoding',
      ...(encoding && { 'Content-Encoding': encoding }),
    });
  };
}
