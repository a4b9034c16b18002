import { isDeepStrictEqual } from 'node:util';

/** A setting that an earlier version had. `path` has `*` for any name or number. */
export type FormerSetting = { path: string } & (
  | {
      /** What it is called now; the same `*` as in `path`. */
      movedTo: string;
    }
  | {
      /** The only value that still means what is done. */
      dropped: unknown;
      /** What is done, as the end of a sentence. */
      now: string;
    }
);

/**
 * Every setting that a version had and this one has not, for ever: a configuration outlives the version that it was written
 * for. Add one in the commit that renames or drops it.
 */
export const FORMER_SETTINGS: readonly FormerSetting[] = [
  { path: 'clusters.*.consul.scope', dropped: 'all', now: 'a backup always has all that is in Consul' },
  { path: 'clusters.*.consul.allowStale', dropped: false, now: 'only the leader of Consul is asked' },
];

export interface SettingNote {
  path: string[];
  message: string;
}

export interface Modernised {
  raw: unknown;
  /** Were understood as what they are now. */
  deprecations: SettingNote[];
  /** Can't be understood any more. */
  problems: SettingNote[];
}

/** The configuration as if it had been written for this version. */
export function modernised(raw: unknown, former: readonly FormerSetting[] = FORMER_SETTINGS): Modernised {
  const result: Modernised = { raw: copyOf(raw), deprecations: [], problems: [] };
  for (const setting of former) {
    for (const path of pathsOf(result.raw, setting.path.split('.'))) modernise(result, path, setting);
  }
  return result;
}

function modernise({ raw, deprecations, problems }: Modernised, path: string[], setting: FormerSetting): void {
  const value = take(raw, path);
  if ('movedTo' in setting) {
    const to = filledIn(setting, path);
    const isPut = put(raw, to, value);
    if (isPut) deprecations.push({ path, message: `is called ${to.join('.')} now` });
    else problems.push({ path, message: `is called ${to.join('.')} now, which is there as well: remove one of them` });
    return;
  }
  const message = `does not exist any more: ${setting.now}`;
  if (isDeepStrictEqual(value, setting.dropped)) deprecations.push({ path, message: `${message}; remove it` });
  else problems.push({ path, message });
}

/** Of what aliases share each gets its own: the same part may mean something else in another place. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, copyOf(item)]));
}

/** Those that are there. */
function pathsOf(value: unknown, [key, ...rest]: string[]): string[][] {
  if (key === undefined) return [[]];
  if (typeof value !== 'object' || value === null) return [];
  const found = key === '*' ? Object.entries(value) : Object.entries(value).filter(([name]) => name === key);
  return found.flatMap(([name, item]) => pathsOf(item, rest).map((path) => [name, ...path]));
}

function take(raw: unknown, path: readonly string[]): unknown {
  const parent = path.slice(0, -1).reduce((value, key) => (value as Record<string, unknown>)[key], raw);
  const last = path.at(-1) ?? '';
  const value = (parent as Record<string, unknown>)[last];
  delete (parent as Record<string, unknown>)[last];
  return value;
}

/** @returns whether there was room */
function put(raw: unknown, path: readonly string[], value: unknown): boolean {
  let parent = raw as Record<string, unknown>;
  for (const key of path.slice(0, -1)) {
    parent[key] ??= {};
    if (typeof parent[key] !== 'object') return false;
    parent = parent[key] as Record<string, unknown>;
  }
  const last = path.at(-1) ?? '';
  if (Object.hasOwn(parent, last)) return false;
  parent[last] = value;
  return true;
}

function filledIn({ path, movedTo }: { path: string; movedTo: string }, found: readonly string[]): string[] {
  const names = path.split('.').flatMap((key, index) => (key === '*' ? [found[index] ?? ''] : []));
  return movedTo.split('.').map((key) => (key === '*' ? (names.shift() ?? '') : key));
}
