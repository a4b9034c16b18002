import { readFile } from 'node:fs/promises';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps, type RequestOptions } from 'node:https';
import { DrError } from '../../contract/failures';
import { isCopied, type SourceStorage } from './source';

/** Consul reads all of the keys before it answers. */
const SILENCE_MS = 120_000;
const LONGEST_KEY = 64 * 1024;

/**
 * The number of Vault's keys in Consul, requested with the settings of the server's own stanza. In constant memory.
 * @throws DrError ServiceFailed
 */
export async function countConsulKeys(source: SourceStorage, signal: AbortSignal): Promise<number> {
  const path = `${(source.get('path') || 'vault/').replace(/^\/+|\/+$/g, '')}/`;
  const { base, options } = await connection(source);
  const answer = await ask(new URL(`/v1/kv/${encodeURI(path)}?keys`, base), { ...options, signal }, source);
  if (answer.statusCode !== 200) {
    answer.destroy();
    throw failed(`Consul answered ${answer.statusCode} when it was asked for the keys below ${path}.`);
  }
  let count = 0;
  for await (const key of stringsIn(answer)) if (isCopied(key.slice(path.length))) count++;
  return count;
}

async function connection(source: SourceStorage): Promise<{ base: string; options: RequestOptions }> {
  const environment = source.environment();
  const given = source.get('address') || environment['CONSUL_HTTP_ADDR'] || '127.0.0.1:8500';
  const [, named, host = ''] = /^(?:([a-z]+):\/\/)?(.*)$/.exec(given) ?? [];
  const byDefault = /^(1|true)$/i.test(environment['CONSUL_HTTP_SSL'] ?? '') ? 'https' : 'http';
  const scheme = named ?? (source.get('scheme') || byDefault);
  const read = async (...names: (string | undefined)[]) => {
    const file = names.find((name) => name);
    return file === undefined ? undefined : await readFile(file);
  };
  const token =
    source.get('token') ||
    environment['CONSUL_HTTP_TOKEN'] ||
    (await read(environment['CONSUL_HTTP_TOKEN_FILE']))?.toString('utf8').trim();
  const [ca, cert, key] = await Promise.all([
    read(source.get('tls_ca_file'), environment['CONSUL_CACERT']),
    read(source.get('tls_cert_file'), environment['CONSUL_CLIENT_CERT']),
    read(source.get('tls_key_file'), environment['CONSUL_CLIENT_KEY']),
  ]);
  const servername = environment['CONSUL_TLS_SERVER_NAME'];
  const skips =
    /^(1|t|true)$/i.test(source.get('tls_skip_verify') ?? '') || environment['CONSUL_HTTP_SSL_VERIFY'] === 'false';
  return {
    base: `${scheme}://${host}`,
    options: {
      ...(token ? { headers: { 'X-Consul-Token': token } } : {}),
      ...(ca ? { ca } : {}),
      ...(cert && key ? { cert, key } : {}),
      ...(servername ? { servername } : {}),
      // Like Vault itself.
      ...(skips ? { rejectUnauthorized: false } : {}),
    },
  };
}

function ask(url: URL, options: RequestOptions, source: SourceStorage): Promise<IncomingMessage> {
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, timeout: SILENCE_MS, agent: false }, resolve);
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${SILENCE_MS / 1_000} s`)));
    sent.on('error', (error) =>
      reject(failed(`Consul at ${url.host} can't be asked: ${source.redacted(error.message)}.`)),
    );
    sent.end();
  });
}

/** The strings of a JSON list of strings, one by one. */
export async function* stringsIn(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<string> {
  let [text, inside, escaped] = ['', false, false];
  for await (const chunk of chunks) {
    for (const character of chunk.toString('latin1')) {
      if (!inside) {
        if (character === '"') [text, inside] = ['', true];
      } else if (escaped) {
        text += `\\${character}`;
        escaped = false;
      } else if (character === '\\') escaped = true;
      else if (character === '"') {
        inside = false;
        yield text;
      } else if (text.length < LONGEST_KEY) text += character;
    }
  }
}

function failed(message: string): DrError {
  return new DrError('ServiceFailed', message, {
    advice:
      'Check that Consul serves, and that this host reaches it as its Vault does. The step is retried; then it waits.',
  });
}
