import { DEFAULT_CONFIG_FILE } from '../../config/default-file';
import { type CommandNode, flattened, type ValueKind } from '../tree';

/** The value of an option; its key is the command and the option, such as `vault-dr restore --accept`. */
export interface ValuePlace {
  key: string;
  value: ValueKind;
  choices: readonly string[];
}

export function valuePlaces(root: CommandNode): ValuePlace[] {
  return flattened(root).flatMap(({ path, options }) =>
    options.flatMap(({ names, value, choices }) =>
      value === null ? [] : names.map((name) => ({ key: `${path.join(' ')} ${name}`, value, choices })),
    ),
  );
}

/** Places that are completed the same way, together. */
export function byKind(
  places: readonly ValuePlace[],
): { value: ValueKind; choices: readonly string[]; keys: string[] }[] {
  const groups = new Map<string, { value: ValueKind; choices: readonly string[]; keys: string[] }>();
  for (const { key, value, choices } of places) {
    const id = `${value} ${choices.join(' ')}`;
    const group = groups.get(id) ?? { value, choices, keys: [] };
    group.keys.push(key);
    groups.set(id, group);
  }
  return [...groups.values()];
}

/** Words of each command, to find the one that is typed. */
export function paths(root: CommandNode): string[] {
  return flattened(root).map(({ path }) => path.join(' '));
}

/**
 * Prints the names of the clusters in a configuration in block style, with awk: fast, and silent if there is none. The
 * shell variable of the file is `$config`.
 */
export const CLUSTERS_AWK = String.raw`awk '/^clusters:/ { on = 1; next } /^[^ #]/ { on = 0 }
    on && /^ +[^ #]/ { match($0, /^ +/); if (!depth) depth = RLENGTH
      if (RLENGTH == depth) { sub(/^[^a-z0-9]+/, ""); sub(/[^a-z0-9-].*/, ""); print } }'`;

export const CONFIG_FILE = DEFAULT_CONFIG_FILE;
