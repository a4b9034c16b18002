import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json';
import type { Fields, RecoveredItem, RecoveredSecret, SecretVersion, WriteChange } from '../contract/recovered';

/** As large as anything that Vault takes. */
const MOST_CHARACTERS = 64 * 1024 * 1024;

/** What is there now. */
export interface LiveState {
  isThere: boolean;
  /** Of version 2 of KV: its newest version, also if that is deleted. */
  version: number | null;
  /** Hash of what it holds; null if nothing can be read: it is deleted, or the token may not. */
  content: string | null;
  mayRead: boolean;
}

/** One thing that is written, and how. */
export interface WritePart {
  version: number | null;
  content: Fields;
}

/** Of the content, whatever the order of its fields; so that values need not be compared where they could be shown. */
export function contentHash(content: Fields): string {
  return createHash('sha256').update(canonicalJson(content, MOST_CHARACTERS)).digest('hex');
}

/**
 * What is written of an item, in this order: onto something that is there only the newest version, because the others
 * would push out the versions that are there.
 */
export function partsOf(item: RecoveredItem, isThere: boolean): WritePart[] {
  switch (item.kind) {
    case 'policy':
      return [{ version: null, content: { policy: item.policy } }];
    case 'role':
      return [{ version: null, content: roleContent(item.fields, item.roleId) }];
    case 'mount':
      return [];
    case 'secret': {
      const readable = readableOf(item);
      return isThere ? readable.slice(-1) : readable;
    }
  }
}

/** Applications know an AppRole by its id: with another one it is another role. */
export function roleContent(fields: Fields, roleId: string | null): Fields {
  return roleId === null ? fields : { ...fields, role_id: roleId };
}

function readableOf({ versions }: RecoveredSecret): WritePart[] {
  const hasData = (version: SecretVersion): version is SecretVersion & { data: Fields } => version.data !== null;
  return versions.filter(hasData).map(({ version, data }) => ({ version, content: data }));
}

export function outcomeOf(live: LiveState, last: WritePart): WriteChange['outcome'] {
  if (!live.isThere) return 'create';
  if (!live.mayRead) return 'unknown';
  return live.content === contentHash(last.content) ? 'equal' : 'replace';
}

export function isSame(left: LiveState, right: LiveState): boolean {
  return left.isThere === right.isThere && left.version === right.version && left.content === right.content;
}

/** Text of Vault without what it quotes of a value that was written. */
export function withoutValues(text: string, content: Fields): string {
  const values = stringsIn(content).filter((value) => value.length >= 4);
  const longestFirst = values.toSorted((left, right) => right.length - left.length);
  return longestFirst.reduce((rest, value) => rest.replaceAll(value, '[value]'), text);
}

function stringsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value, ...value.split(/\s+/)];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}
