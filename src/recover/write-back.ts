import { DrError, isDrError } from '../contract/failures';
import { printable } from '../contract/printable';
import type { Fields, RecoveredItem, WriteChange } from '../contract/recovered';
import type { VaultClient } from '../vault/client';
import { encodePath } from '../vault/encode-path';
import {
  contentHash,
  isSame,
  type LiveState,
  outcomeOf,
  partsOf,
  roleContent,
  type WritePart,
  withoutValues,
} from './compare';
import { isFields, type Mount, mountAt, mountsOf } from './mounts';
import { ROLES } from './roles';

const NOTHING: LiveState = { isThere: false, version: null, content: null, mayRead: true };

/** What is written of one item, and onto what. */
export interface WriteStep {
  change: WriteChange;
  live: LiveState;
  item: RecoveredItem;
  parts: WritePart[];
  /** Of a secret: where it is now. */
  mount: Mount | null;
}

/** Writes into a living cluster, with the token of a person. */
export class LiveWriter {
  constructor(private readonly vault: VaultClient) {}

  /** @throws DrError PlanRefused, PermissionDenied */
  async plan(items: readonly RecoveredItem[], to: string | null): Promise<WriteStep[]> {
    const steps: WriteStep[] = [];
    for (const item of items) {
      const step = await this.#step(item, to ?? item.path);
      if (step !== null) steps.push(step);
    }
    return steps;
  }

  /**
   * Writes nothing if anything has changed since the plan. What is equal stays as it is.
   * @throws DrError PlanRefused, which names what was written before it
   */
  async write(steps: readonly WriteStep[], onWritten: (step: WriteStep) => void): Promise<void> {
    const wanted = steps.filter(({ change }) => change.outcome !== 'equal');
    for (const step of wanted) {
      if (!isSame(step.live, await this.#live(step.item, step.change.to, step.mount)))
        throw changed(step.change.to, []);
    }
    const written: string[] = [];
    for (const step of wanted) {
      let isBegun = false;
      try {
        await this.#write(step, () => (isBegun = true));
      } catch (error) {
        throw explained(error, step, isBegun ? [...written, `${step.change.to} (in part)`] : written);
      }
      written.push(step.change.to);
      onWritten(step);
    }
  }

  /** The mount that a secret is written to. @throws DrError PlanRefused */
  async mountOf(path: string): Promise<Mount> {
    // Vault answers alike where there is none, and where the token may not know.
    const { data } = await this.#readIfAllowed(`sys/internal/ui/mounts/${path}`);
    const named = typeof data?.['path'] === 'string' ? mountsOf({ [data['path']]: data }) : [];
    // Of another place than the one asked about, what is behind it would be written somewhere else.
    const found = mountAt(named, path);
    if (found?.kv) return found;
    throw new DrError('PlanRefused', `The cluster has no KV engine at ${printable(path)} that your token may see.`, {
      advice: 'Enable one there first, name another path with --to, or use another token.',
    });
  }

  async #step(item: RecoveredItem, to: string): Promise<WriteStep | null> {
    const mount = item.kind === 'secret' ? await this.mountOf(to) : null;
    const live = await this.#live(item, to, mount);
    const all = partsOf(item, live.isThere);
    const last = all.at(-1);
    if (last === undefined) return null;
    const parts = mount?.kv === 1 ? [last] : all;
    const versions = parts.flatMap(({ version }) => (version === null ? [] : [version]));
    const outcome = outcomeOf(live, last);
    const checkAndSet = mount?.kv === 2;
    return {
      change: { path: item.path, to, kind: item.kind, versions, liveVersion: live.version, outcome, checkAndSet },
      live,
      item,
      parts,
      mount,
    };
  }

  async #live(item: RecoveredItem, to: string, mount: Mount | null): Promise<LiveState> {
    if (mount?.kv === 2) return this.#liveVersion(mount, to.slice(mount.path.length));
    const found = await this.#readIfAllowed(to);
    const isAppRole = item.kind === 'role' && item.roleId !== null;
    const id = isAppRole && found.data !== null ? await this.#readIfAllowed(`${to}/role-id`) : null;
    if (!found.mayRead || id?.mayRead === false) return { isThere: true, version: null, content: null, mayRead: false };
    if (found.data === null) return NOTHING;
    const roleId = id?.data?.['role_id'];
    const content =
      item.kind === 'policy'
        ? { policy: found.data['policy'] }
        : roleContent(found.data, typeof roleId === 'string' ? roleId : null);
    return { isThere: true, version: null, content: contentHash(content), mayRead: true };
  }

  /** @throws DrError PermissionDenied: without the metadata there is no check-and-set. */
  async #liveVersion({ path }: Mount, name: string): Promise<LiveState> {
    const metadata = (await this.vault.read(`${encodePath(path)}metadata/${encodePath(name)}`))?.data;
    if (!metadata) return NOTHING;
    const version = Number(metadata['current_version'] ?? 0);
    const { data, mayRead } = await this.#readIfAllowed(`${path}data/${name}`);
    const content = data?.['data'];
    return { isThere: true, version, content: isFields(content) ? contentHash(content) : null, mayRead };
  }

  async #readIfAllowed(path: string): Promise<{ data: Fields | null; mayRead: boolean }> {
    try {
      return { data: (await this.vault.read(encodePath(path)))?.data ?? null, mayRead: true };
    } catch (error) {
      if (isDrError(error) && error.code === 'PermissionDenied') return { data: null, mayRead: false };
      throw error;
    }
  }

  /** @param onBegun after each request */
  async #write({ change, item, parts, mount, live }: WriteStep, onBegun: () => void): Promise<void> {
    const send = async (path: string, body: Fields) => {
      await this.vault.write(path, body);
      onBegun();
    };
    if (mount?.kv !== 2) {
      const to = encodePath(change.to);
      for (const { content } of parts) await send(to, forWriting(item, content, live.isThere));
      if (item.kind === 'role' && item.roleId !== null) await send(`${to}/role-id`, { role_id: item.roleId });
      return;
    }
    const folder = encodePath(mount.path);
    const name = encodePath(change.to.slice(mount.path.length));
    const settings = item.kind === 'secret' && !live.isThere ? settingsOf(item.metadata) : {};
    let version = live.version ?? 0;
    for (const { content } of parts) {
      await send(`${folder}data/${name}`, { data: content, options: { cas: version } });
      // Before the next one: it says how many are kept.
      if (version === 0 && Object.keys(settings).length > 0) await send(`${folder}metadata/${name}`, settings);
      version += 1;
    }
  }
}

/** What nobody has set. */
const DEFAULTS: Fields = { cas_required: false, custom_metadata: null, delete_version_after: '0s', max_versions: 0 };

function settingsOf(metadata: Fields | null): Fields {
  const settings = Object.entries(metadata ?? {});
  return Object.fromEntries(settings.filter(([key, value]) => key in DEFAULTS && value !== DEFAULTS[key]));
}

/** What an API shows of a role is not all that it takes. */
function forWriting(item: RecoveredItem, content: Fields, isThere: boolean): Fields {
  if (item.kind !== 'role') return content;
  const onlyNew = isThere ? (ROLES[item.type]?.onlyNew ?? []) : [];
  const left = Object.entries(item.fields).filter(([key, value]) => value !== null && !onlyNew.includes(key));
  return Object.fromEntries(left);
}

/** Its own words, without values; and what was written before. */
function explained(error: unknown, { change, parts }: WriteStep, written: readonly string[]): unknown {
  if (!isDrError(error)) return error;
  if (/check-and-set/.test(error.message)) return changed(change.to, written);
  const message = parts.reduce((text, { content }) => withoutValues(text, content), error.message);
  return new DrError(error.code, `${printable(change.to)} was not written: ${message}${soFar(written)}`, {
    where: error.where,
    advice: error.advice,
  });
}

function changed(path: string, written: readonly string[]): DrError {
  return new DrError(
    'PlanRefused',
    `${printable(path)} has changed in the cluster since the comparison, so it was not written.${soFar(written)}`,
    { notice: 'live-changed', advice: 'Find out who changed it. Repeat the command to compare again.' },
  );
}

function soFar(written: readonly string[]): string {
  return written.length === 0 ? ' Nothing was written.' : ` Written before: ${written.map(printable).join(', ')}.`;
}
