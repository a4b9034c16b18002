import type { Fields } from '../contract/recovered';

export interface Mount {
  /** With a slash at its end. */
  path: string;
  type: string;
  /** Null if it is no KV engine. */
  kv: 1 | 2 | null;
  settings: Fields;
}

/** @param table answer of `sys/mounts` or `sys/auth` */
export function mountsOf(table: Fields): Mount[] {
  return Object.entries(table).flatMap(([path, settings]) => {
    const mount = path.endsWith('/') ? mountFrom(path, settings) : null;
    return mount === null ? [] : [mount];
  });
}

/** @returns null if these are no settings of a mount */
function mountFrom(path: string, settings: unknown): Mount | null {
  if (!isFields(settings) || typeof settings['type'] !== 'string') return null;
  const { type, options } = settings;
  const isKv = type === 'kv' || type === 'generic';
  const kv = !isKv ? null : isFields(options) && options['version'] === '2' ? 2 : 1;
  return { path, type, kv, settings };
}

/** The one that the path is below: the longest. */
export function mountAt(mounts: readonly Mount[], path: string): Mount | null {
  const fitting = mounts.filter((mount) => `${path}/`.startsWith(mount.path));
  return fitting.toSorted((left, right) => right.path.length - left.path.length)[0] ?? null;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
