import type { FileDigest } from '../../src/contract/generation';
import type { OpenSource, Repository, TransferOptions } from '../../src/repository/types';

/** A repository whose reads are written down; each of them may be made to fail or to wait. */
export class WatchedRepository implements Repository {
  readonly name: string;
  readonly kind: Repository['kind'];
  readonly gets: string[] = [];
  readonly listed: string[] = [];

  constructor(
    private readonly inner: Repository,
    private readonly beforeGet: (key: string, options: TransferOptions) => void | Promise<void> = () => {},
  ) {
    this.name = inner.name;
    this.kind = inner.kind;
  }

  async get(key: string, options: TransferOptions = {}) {
    this.gets.push(key);
    await this.beforeGet(key, options);
    return this.inner.get(key, options);
  }

  put(key: string, source: OpenSource, digest: FileDigest, options?: TransferOptions) {
    return this.inner.put(key, source, digest, options);
  }

  identityOf(key: string, options?: TransferOptions) {
    return this.inner.identityOf(key, options);
  }

  list(prefix: string, options?: TransferOptions) {
    this.listed.push(prefix);
    return this.inner.list(prefix, options);
  }

  newest(cluster: string, count: number, options?: TransferOptions) {
    return this.inner.newest(cluster, count, options);
  }

  remove(key: string) {
    return this.inner.remove(key);
  }

  isLocked(key: string) {
    return this.inner.isLocked(key);
  }

  removePartials(cluster: string, before: Date) {
    return this.inner.removePartials(cluster, before);
  }
}
