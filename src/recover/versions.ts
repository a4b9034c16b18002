import type { Fields, VersionState } from '../contract/recovered';
import { isFields } from './mounts';
import type { WhichVersions } from '../contract/wanted';

/** Of a secret in version 2 of the engine, as its metadata names it. */
export interface NamedVersion {
  version: number;
  state: VersionState;
  createdAt: string | null;
  deletedAt: string | null;
  /** Deleted now, on the clock of the sandbox: it must be undeleted there before it can be read. */
  isHidden: boolean;
}

/**
 * Oldest first.
 * @param capturedAt milliseconds; what was to be deleted later was readable then
 * @param now milliseconds
 */
export function versionsOf(metadata: Fields, capturedAt: number, now: number): NamedVersion[] {
  const { versions } = metadata;
  if (!isFields(versions)) return [];
  const named = Object.entries(versions).map(([key, value]): NamedVersion => {
    const { created_time: created, deletion_time: deletion, destroyed } = isFields(value) ? value : {};
    const deletedAt = typeof deletion === 'string' && deletion !== '' ? deletion : null;
    const time = deletedAt === null ? Infinity : Date.parse(deletedAt);
    return {
      version: Number(key),
      state: destroyed === true ? 'destroyed' : time <= capturedAt ? 'deleted' : 'readable',
      createdAt: typeof created === 'string' ? created : null,
      deletedAt,
      isHidden: destroyed !== true && time <= now,
    };
  });
  return named.toSorted((left, right) => left.version - right.version);
}

/** @returns null if there is none of that number */
export function chosenVersions(versions: readonly NamedVersion[], which: WhichVersions): NamedVersion[] | null {
  if (which === 'all') return [...versions];
  const chosen = which === 'latest' ? versions.at(-1) : versions.find(({ version }) => version === which);
  return chosen === undefined ? null : [chosen];
}

/** `version 3 readable, versions 4–6 deleted`. */
export function describeVersions(versions: readonly Pick<NamedVersion, 'version' | 'state'>[]): string {
  const runs: { from: number; to: number; state: VersionState }[] = [];
  for (const { version, state } of versions) {
    const last = runs.at(-1);
    if (last?.state === state && last.to === version - 1) last.to = version;
    else runs.push({ from: version, to: version, state });
  }
  return runs
    .map(({ from, to, state }) => (from === to ? `version ${from} ${state}` : `versions ${from}–${to} ${state}`))
    .join(', ');
}
