import { DrError, isDrError } from '../contract/failures';
import { formatBytes, formatCount } from '../contract/format';
import { printable } from '../contract/printable';
import type { Fields, MissingItem, RecoveredItem, RecoveredRole, RecoveredSecret } from '../contract/recovered';
import type { VaultClient } from '../vault/client';
import { encodePath } from '../vault/encode-path';
import { isFields, type Mount, mountAt, mountsOf } from './mounts';
import { roleIn, ROLES } from './roles';
import { chosenVersions, describeVersions, versionsOf } from './versions';
import type { Wanted, WhichVersions } from '../contract/wanted';

/** All of it is in memory at once, several times. */
const MOST_ITEMS = 10_000;
const MOST_BYTES = 64 * 1024 * 1024;
/** Names of what there is instead. */
const NAMED_BESIDE = 8;

export interface ReadOptions {
  /** RFC 3339. */
  capturedAt: string;
  versions: WhichVersions;
  /** Also read versions that were deleted, and not destroyed: in the sandbox they can be undeleted. */
  deleted: boolean;
}

type Answer = RecoveredItem | MissingItem;

/** Reads what is asked for from the scratch Vault. */
export class BackupReader {
  #bytes = 0;
  #count = 0;

  private constructor(
    private readonly vault: VaultClient,
    private readonly options: ReadOptions,
    private readonly mounts: readonly Mount[],
    private readonly methods: readonly Mount[],
  ) {}

  /** @param vault with a token that may read everything */
  static async open(vault: VaultClient, options: ReadOptions): Promise<BackupReader> {
    const [mounts, methods] = await Promise.all(['sys/mounts', 'sys/auth'].map((path) => vault.read(path)));
    return new BackupReader(vault, options, mountsOf(mounts?.data ?? {}), mountsOf(methods?.data ?? {}));
  }

  /** @throws DrError InvalidInput if that is too much */
  async read(wanted: Wanted): Promise<{ items: RecoveredItem[]; missing: MissingItem[] }> {
    const answers = await this.#answers(wanted);
    return {
      items: answers.filter((answer) => 'kind' in answer),
      missing: answers.filter((answer) => 'reason' in answer),
    };
  }

  async #answers(wanted: Wanted): Promise<Answer[]> {
    const { path } = wanted;
    switch (wanted.kind) {
      case 'policy':
        return [await this.#policy(path, wanted.name)];
      case 'mount':
        return [await this.#mount(path, wanted.table, wanted.name)];
      case 'role':
        return this.#roles(path);
      case 'secret': {
        const mount = mountAt(this.mounts, path);
        if (mount === null) return [this.#noMount(path, 'secrets engine', this.mounts)];
        if (mount.kv === null) {
          return [otherEngine(path, `${mount.path} is an engine of the type ${mount.type}; secrets are read from KV`)];
        }
        const name = path.slice(mount.path.length);
        return wanted.isFolder ? this.#folder(mount, name) : [await this.#secret(mount, name)];
      }
    }
  }

  async #policy(path: string, name: string): Promise<Answer> {
    const policy = (await this.vault.read(encodePath(path)))?.data?.['policy'];
    if (typeof policy === 'string') return this.#counted({ kind: 'policy', path, name, policy });
    return notThere(path, await this.#beside('sys/policies/acl'));
  }

  async #mount(path: string, table: 'mounts' | 'auth', name: string): Promise<Answer> {
    const all = table === 'mounts' ? this.mounts : this.methods;
    const mount = all.find((item) => item.path === name);
    if (mount === undefined) {
      return this.#noMount(path, table === 'mounts' ? 'secrets engine' : 'auth method', all);
    }
    const tune = await this.vault.read(`sys/${table}/${encodePath(name)}tune`);
    const config = await this.#ifShown(`${table === 'auth' ? 'auth/' : ''}${encodePath(name)}config`);
    return this.#counted({
      kind: 'mount',
      path,
      type: mount.type,
      settings: mount.settings,
      tune: tune?.data ?? {},
      config,
    });
  }

  async #roles(path: string): Promise<Answer[]> {
    const below = path.slice('auth/'.length);
    const method = mountAt(this.methods, below);
    if (method === null) return [this.#noMount(path, 'auth method', this.methods)];
    const role = roleIn(method.type, below.slice(method.path.length));
    if (role === null) {
      const known = ROLES[method.type]?.paths.map((folder) => `auth/${method.path}${folder}/NAME`).join(', ');
      const instead = known === undefined ? 'nothing of it can be brought back' : `its roles are ${known}`;
      return [otherEngine(path, `auth/${method.path} is of the type ${method.type}; ${instead}`)];
    }
    const folder = `auth/${method.path}${role.folder}`;
    if (role.name !== '') return [await this.#role(folder, role.name, method.type)];
    const names = await this.#names(folder);
    if (names.length === 0) return [notThere(path, [])];
    const found: Answer[] = [];
    for (const name of names) found.push(await this.#role(folder, name, method.type));
    return found;
  }

  async #role(folder: string, name: string, type: string): Promise<Answer> {
    const path = `${folder}/${name}`;
    const fields = (await this.vault.read(encodePath(path)))?.data;
    if (!fields) return notThere(path, await this.#beside(folder));
    const role: RecoveredRole = {
      kind: 'role',
      path,
      type,
      fields,
      roleId: type === 'approle' ? await this.#roleId(path) : null,
      notReadable: ROLES[type]?.notReadable ?? null,
    };
    return this.#counted(role);
  }

  async #roleId(path: string): Promise<string | null> {
    const id = (await this.vault.read(`${encodePath(path)}/role-id`))?.data?.['role_id'];
    return typeof id === 'string' ? id : null;
  }

  async #folder(mount: Mount, folder: string): Promise<Answer[]> {
    const found: Answer[] = [];
    const folders = [folder];
    for (let at = folders.pop(); at !== undefined; at = folders.pop()) {
      const names = await this.#names(listPath(mount, at));
      folders.push(...names.filter((name) => name.endsWith('/')).map((name) => `${at}${name}`));
      for (const name of names.filter((item) => !item.endsWith('/'))) {
        found.push(await this.#secret(mount, `${at}${name}`, true));
      }
    }
    return found.length === 0 ? [notThere(`${mount.path}${folder}`, await this.#besideSecret(mount, folder))] : found;
  }

  /** @param ofMany one that is deleted is part of what there is */
  async #secret(mount: Mount, name: string, ofMany = false): Promise<Answer> {
    const path = `${mount.path}${name}`;
    if (mount.kv === 1) {
      const data = (await this.vault.read(encodePath(path)))?.data;
      if (!data) return notThere(path, await this.#besideSecret(mount, name));
      const only = { version: null, state: 'readable' as const, createdAt: null, deletedAt: null, data };
      return this.#counted(secretOf(path, mount, null, [only]));
    }
    const metadata = (await this.vault.read(`${encodePath(mount.path)}metadata/${encodePath(name)}`))?.data;
    if (!metadata) return notThere(path, await this.#besideSecret(mount, name));
    const { capturedAt, versions: which, deleted } = this.options;
    const all = versionsOf(metadata, Date.parse(capturedAt), Date.now());
    const chosen = chosenVersions(all, which);
    if (chosen === null && !ofMany) {
      const problem = `${printable(path)} has no version ${which} in the backup: ${describeVersions(all) || 'none'}.`;
      return { path, reason: 'no-version', problem };
    }
    const isRead = (state: string) => state === 'readable' || (deleted && state === 'deleted');
    const hidden = (chosen ?? []).filter(({ state, isHidden }) => isHidden && isRead(state));
    if (hidden.length > 0) {
      const body = { versions: hidden.map(({ version }) => version) };
      await this.vault.write(`${encodePath(mount.path)}undelete/${encodePath(name)}`, body);
    }
    const versions = [];
    for (const { version, state, createdAt, deletedAt } of chosen ?? []) {
      const data = isRead(state) ? await this.#dataOf(mount, name, version) : null;
      versions.push({ version, state, createdAt, deletedAt, data });
    }
    if (!ofMany && versions.every(({ data }) => data === null)) return wasDeleted(path, all);
    const { versions: _named, ...settings } = metadata;
    return this.#counted(secretOf(path, mount, settings, versions));
  }

  async #dataOf(mount: Mount, name: string, version: number): Promise<Fields | null> {
    const answer = await this.vault.read(`${encodePath(mount.path)}data/${encodePath(name)}?version=${version}`);
    const data = answer?.data?.['data'];
    return isFields(data) ? data : null;
  }

  #counted<T extends RecoveredItem>(item: T): T {
    this.#count += 1;
    this.#bytes += JSON.stringify(item).length;
    if (this.#count <= MOST_ITEMS && this.#bytes <= MOST_BYTES) return item;
    const most = `${formatCount(MOST_ITEMS, 'item')} or ${formatBytes(MOST_BYTES)}`;
    throw new DrError('InvalidInput', `This is more than ${most}, which is brought back at once.`, {
      advice: 'Ask for a smaller part. For all of it, restore the cluster.',
    });
  }

  #noMount(path: string, what: string, mounts: readonly Mount[]): MissingItem {
    const there = mounts.map((mount) => mount.path);
    return { path, reason: 'no-mount', problem: `The backup has no ${what} at ${printable(path)}.${listed(there)}` };
  }

  #besideSecret(mount: Mount, name: string): Promise<string[]> {
    const folder = name.replace(/\/$/, '').split('/').slice(0, -1).join('/');
    return this.#beside(listPath(mount, folder === '' ? '' : `${folder}/`));
  }

  async #beside(folder: string): Promise<string[]> {
    return this.#names(folder).catch((error) => {
      if (isDrError(error) && error.code !== 'VaultUnavailable') return [];
      throw error;
    });
  }

  async #names(folder: string): Promise<string[]> {
    const keys = (await this.vault.read(`${encodePath(folder)}?list=true`))?.data?.['keys'];
    return Array.isArray(keys) ? keys.filter((key) => typeof key === 'string' && key !== '') : [];
  }

  /** Engines differ in what they have. */
  async #ifShown(path: string): Promise<Fields | null> {
    try {
      return (await this.vault.read(path))?.data ?? null;
    } catch (error) {
      if (isDrError(error) && error.code === 'VaultRefused') return null;
      throw error;
    }
  }
}

function secretOf(
  path: string,
  { path: mount, kv }: Mount,
  metadata: Fields | null,
  versions: RecoveredSecret['versions'],
): RecoveredSecret {
  return { kind: 'secret', path, mount, engineVersion: kv ?? 1, metadata, versions };
}

function listPath({ path, kv }: Mount, folder: string): string {
  return kv === 2 ? `${path}metadata/${folder}` : `${path}${folder}`;
}

function notThere(path: string, beside: readonly string[]): MissingItem {
  return { path, reason: 'not-there', problem: `${printable(path)} is not in the backup.${listed(beside)}` };
}

function otherEngine(path: string, why: string): MissingItem {
  return { path, reason: 'other-engine', problem: `${printable(path)} can not be brought back: ${printable(why)}.` };
}

function wasDeleted(path: string, all: ReturnType<typeof versionsOf>): MissingItem {
  return {
    path,
    reason: 'deleted',
    problem: `${printable(path)} was deleted when the backup was made: ${describeVersions(all) || 'no version is left'}.`,
  };
}

function listed(names: readonly string[]): string {
  if (names.length === 0) return '';
  const shown = names.slice(0, NAMED_BESIDE).map(printable).join(', ');
  return ` There: ${shown}${names.length > NAMED_BESIDE ? ', …' : ''}.`;
}
