import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { S3Repository } from '../../src/repository/s3/s3';
import type { S3Settings } from '../../src/repository/s3/s3-client';

const BUCKET = 'bucket';

interface Stored {
  id: string;
  bytes: Buffer;
  at: Date;
  marker: boolean;
  /** Headers of the upload that are given back. */
  headers: Record<string, string>;
}

export interface MemoryS3Options {
  /** Objects of one answer to a list. Default: 1,000, as of S3. */
  page?: number;
  /** Default true. */
  versions?: boolean;
  /** Whether `If-None-Match` is heeded. Default true. */
  condition?: boolean;
  /** Whether Object Lock is enabled. Default false. */
  locks?: boolean;
}

type Asked = 'list' | 'get' | 'head' | 'put' | 'delete' | 'uploads' | 'lock';

/**
 * A bucket in memory that counts. The real server takes minutes to store the hundred thousand objects of 20,000 backups,
 * and what counts here is how often it is asked; how a server really answers is shown by the end-to-end tests.
 */
export class MemoryS3 {
  readonly #objects = new Map<string, Stored[]>();
  #sorted: string[] | null = null;
  #made = 0;
  readonly #server = createServer((request, response) => void this.#answer(request, response));
  /** What was asked for, in this order. */
  seen: { asked: Asked; key: string }[] = [];
  /** Called before each answer. */
  before: (asked: Asked, key: string) => void = () => undefined;

  private constructor(private readonly options: MemoryS3Options) {}

  static async start(options: MemoryS3Options = {}): Promise<MemoryS3> {
    const store = new MemoryS3(options);
    await new Promise<void>((resolve) => store.#server.listen(0, '127.0.0.1', resolve));
    return store;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  settings(overrides: Partial<S3Settings> = {}): S3Settings {
    return {
      bucket: BUCKET,
      prefix: '',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`,
      forcePathStyle: true,
      tags: {},
      multipartThreshold: 1024 ** 3,
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
      ...overrides,
    };
  }

  repository(overrides: Partial<S3Settings> = {}): S3Repository {
    return new S3Repository('offsite', this.settings(overrides));
  }

  /** How often each was asked for since the last call. */
  counted(): Partial<Record<Asked, number>> & { all: number } {
    const counts: Partial<Record<Asked, number>> = {};
    for (const { asked } of this.seen) counts[asked] = (counts[asked] ?? 0) + 1;
    const all = this.seen.length;
    this.seen = [];
    return { ...counts, all };
  }

  /** Keeps an object as an upload does. */
  store(key: string, bytes: Buffer, headers: Record<string, string> = {}, at = new Date()): Stored {
    const id = this.options.versions === false ? 'null' : `v${String(++this.#made).padStart(9, '0')}`;
    const version: Stored = { id, bytes, at, marker: false, headers };
    const others = this.options.versions === false ? [] : (this.#objects.get(key) ?? []);
    if (!this.#objects.has(key)) this.#sorted = null;
    this.#objects.set(key, [version, ...others]);
    return version;
  }

  /** What somebody with the credentials may do. */
  hide(key: string): void {
    const marker = { ...this.store(key, Buffer.alloc(0)), marker: true };
    this.#objects.set(key, [marker, ...(this.#objects.get(key) ?? []).slice(1)]);
  }

  keys(): string[] {
    this.#sorted ??= [...this.#objects.keys()].sort();
    return this.#sorted;
  }

  versionsOf(key: string): number {
    return this.#objects.get(key)?.length ?? 0;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams: query } = new URL(request.url ?? '', 'http://bucket');
    const key = decodeURIComponent(pathname).slice(`/${BUCKET}/`.length);
    const asked = askedFor(request.method ?? '', query, key);
    this.seen.push({ asked, key: key === '' ? (query.get('prefix') ?? '') : key });
    this.before(asked, key);
    const body = await buffer(request);
    if (asked === 'list') return xml(response, this.#list(query));
    if (asked === 'uploads') return xml(response, '<ListMultipartUploadsResult/>');
    if (asked === 'lock') {
      const enabled = '<ObjectLockEnabled>Enabled</ObjectLockEnabled>';
      if (this.options.locks === true)
        return xml(response, `<ObjectLockConfiguration>${enabled}</ObjectLockConfiguration>`);
      return refuse(response, 404, 'ObjectLockConfigurationNotFoundError');
    }
    if (asked === 'put') return this.#put(key, body, request, response);
    const versions = this.#objects.get(key) ?? [];
    const wanted = query.get('versionId');
    const version = wanted === null ? versions[0] : versions.find(({ id }) => id === wanted);
    if (asked === 'delete') return this.#delete(key, version, response);
    if (!version || version.marker) return refuse(response, 404, 'NoSuchKey');
    response.writeHead(200, { ...headersOf(version), 'content-length': version.bytes.length });
    response.end(asked === 'head' ? undefined : version.bytes);
  }

  #put(key: string, bytes: Buffer, { headers }: IncomingMessage, response: ServerResponse): void {
    const current = this.#objects.get(key)?.[0];
    if (this.options.condition !== false && headers['if-none-match'] === '*' && current && !current.marker) {
      return refuse(response, 412, 'PreconditionFailed');
    }
    const kept = Object.entries(headers).filter(([name]) =>
      /^x-amz-(checksum-sha256|object-lock|server-side)/.test(name),
    );
    const version = this.store(key, bytes, Object.fromEntries(kept) as Record<string, string>);
    response.writeHead(200, headersOf(version)).end();
  }

  #delete(key: string, version: Stored | undefined, response: ServerResponse): void {
    const { 'x-amz-object-lock-retain-until-date': until = '', 'x-amz-object-lock-legal-hold': hold } =
      version?.headers ?? {};
    if (Date.parse(until) > Date.now() || hold === 'ON') return refuse(response, 403, 'AccessDenied');
    const left = (this.#objects.get(key) ?? []).filter((other) => other !== version);
    if (left.length > 0) this.#objects.set(key, left);
    else if (this.#objects.delete(key)) this.#sorted = null;
    response.writeHead(204).end();
  }

  #list(query: URLSearchParams): string {
    const prefix = query.get('prefix') ?? '';
    const afterKey = query.get('key-marker') ?? '';
    const afterVersion = query.get('version-id-marker') ?? '';
    const keys = this.keys();
    const listed: string[] = [];
    let last: { key: string; id: string } | undefined;
    for (let at = firstAtLeast(keys, afterKey > prefix ? afterKey : prefix); at < keys.length; at++) {
      const key = keys[at] ?? '';
      if (!key.startsWith(prefix)) break;
      if (key === afterKey && afterVersion === '') continue;
      const versions = this.#objects.get(key) ?? [];
      const begin = key === afterKey ? versions.findIndex(({ id }) => id === afterVersion) + 1 : 0;
      for (const version of versions.slice(begin)) {
        if (listed.length === (this.options.page ?? 1_000)) {
          const next = `<NextKeyMarker>${last?.key}</NextKeyMarker><NextVersionIdMarker>${last?.id}</NextVersionIdMarker>`;
          return listing(`<IsTruncated>true</IsTruncated>${next}${listed.join('')}`);
        }
        listed.push(entry(key, version));
        last = { key, id: version.id };
      }
    }
    return listing(`<IsTruncated>false</IsTruncated>${listed.join('')}`);
  }
}

function askedFor(method: string, query: URLSearchParams, key: string): Asked {
  if (key === '') return query.has('uploads') ? 'uploads' : query.has('object-lock') ? 'lock' : 'list';
  return method.toLowerCase() as Asked;
}

function headersOf({ id, at, bytes, headers }: Stored): Record<string, string> {
  return { 'x-amz-version-id': id, 'last-modified': at.toUTCString(), etag: etagOf(bytes), ...headers };
}

function entry(key: string, { id, at, bytes, marker }: Stored): string {
  const about = `<Key>${key}</Key><VersionId>${id}</VersionId><LastModified>${at.toISOString()}</LastModified>`;
  if (marker) return `<DeleteMarker>${about}</DeleteMarker>`;
  return `<Version>${about}<ETag>${etagOf(bytes)}</ETag><Size>${bytes.length}</Size></Version>`;
}

function etagOf(bytes: Buffer): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function listing(content: string): string {
  return `<ListVersionsResult>${content}</ListVersionsResult>`;
}

function xml(response: ServerResponse, content: string): void {
  response.writeHead(200, { 'content-type': 'application/xml' }).end(`<?xml version="1.0"?>${content}`);
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
}

/** Index of the first key that is not before it. */
function firstAtLeast(sorted: readonly string[], key: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
