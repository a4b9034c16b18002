import { createHash } from 'node:crypto';
import type { Context } from 'hono';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import type { WebAsset, WebAssets } from '../assets';
import type { PageAssets } from '../holder-page';

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

/** What the build has bundled, each under a name that has its hash. */
export function hashedAssets({ script, style, licences }: PageAssets): WebAssets {
  return {
    script: hashed('js', 'text/javascript; charset=utf-8', script),
    style: hashed('css', 'text/css; charset=utf-8', style),
    licences,
  };
}

function hashed(ending: string, type: string, text: string): WebAsset {
  const digest = createHash('sha384').update(text).digest();
  const name = `app.${digest.subarray(0, 12).toString('hex')}.${ending}`;
  return { name, type, text, integrity: `sha384-${digest.toString('base64')}` };
}
