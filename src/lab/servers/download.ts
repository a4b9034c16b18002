import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvHttpProxyAgent, fetch } from 'undici';

/** `not reachable` and the like is normal: the caller tries another source. */
export type DownloadResult = { ok: true } | { ok: false; reason: string };

/** Fetches a file, through the proxy of the environment if there is one, and keeps it only when its hash is right. */
export async function download(
  url: string,
  sha256: string,
  target: string,
  signal: AbortSignal | undefined,
): Promise<DownloadResult> {
  const { host } = new URL(url);
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: 5_000 },
    headersTimeout: 15_000,
    bodyTimeout: 30_000,
  });
  try {
    const response = await fetch(url, { dispatcher, signal: signal ?? null });
    if (!response.ok || response.body === null) return { ok: false, reason: `${host} answered ${response.status}` };
    const hash = createHash('sha256');
    const hashing = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        done(null, chunk);
      },
    });
    await pipeline(response.body, hashing, createWriteStream(target));
    if (hash.digest('hex') !== sha256) return { ok: false, reason: `the file from ${host} has the wrong SHA-256` };
    return { ok: true };
  } catch (error) {
    signal?.throwIfAborted();
    return { ok: false, reason: `${host} is not reachable (${reasonOf(error)})` };
  } finally {
    await dispatcher.destroy();
  }
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return (cause as NodeJS.ErrnoException | undefined)?.code ?? message;
}
