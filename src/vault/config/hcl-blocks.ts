import { type HclBody, type HclValue, isBody } from './hcl';

/** A stanza such as `storage "raft" { … }`. */
export interface Block {
  type: string;
  settings: ReadonlyMap<string, HclValue>;
  body: HclBody;
}

/** `storage "raft" { … }`, and its JSON forms: `{"storage": {"raft": {…}}}`, with lists at any level. */
export function blocksOf(bodies: readonly HclBody[], ...names: string[]): Block[] {
  return bodies
    .flatMap(({ items }) => items)
    .filter(({ key }) => names.includes(key))
    .flatMap(({ key, labels, value }) => {
      const [type] = labels;
      if (type !== undefined) return bodiesIn(value).map((body) => blockOf(type, body));
      const inner = bodiesIn(value).flatMap(({ items }) => items);
      const named = inner.filter((item) => bodiesIn(item.value).length > 0 && !isSetting(item.key));
      if (named.length === 0) return [blockOf(key, { items: inner })];
      return named.flatMap((item) => bodiesIn(item.value).map((body) => blockOf(item.key, body)));
    });
}

/** All blocks of one name within another, such as `retry_join { … }`. */
export function innerBlocks({ body }: Block, name: string): Block[] {
  return body.items
    .filter(({ key }) => key === name)
    .flatMap(({ value }) => bodiesIn(value).map((inner) => blockOf(name, inner)));
}

/** Settings that are objects themselves, in a block whose type is missing. */
function isSetting(key: string): boolean {
  return key === 'retry_join' || key === 'telemetry';
}

function bodiesIn(value: HclValue): HclBody[] {
  if (Array.isArray(value)) return value.flatMap(bodiesIn);
  return isBody(value) ? [value] : [];
}

function blockOf(type: string, body: HclBody): Block {
  return { type, body, settings: new Map(body.items.map(({ key, value }) => [key, value])) };
}

/** The last value of a setting outside of any block; null if there is none. */
export function textOutside(bodies: readonly HclBody[], name: string): string | null {
  return (
    bodies
      .flatMap(({ items }) => items)
      .filter(({ key }) => key === name)
      .map(({ value }) => textOf(value))
      .at(-1) ?? null
  );
}

export function textIn({ settings }: Block, name: string): string | null {
  return textOf(settings.get(name));
}

export function booleanIn({ settings }: Block, name: string): boolean | null {
  return booleanOf(settings.get(name));
}

export function textOf(value: HclValue | undefined): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

/** As parseutil.ParseBool: what strconv.ParseBool takes, and numbers. */
export function booleanOf(value: HclValue | undefined): boolean | null {
  const text = textOf(value)?.toLowerCase();
  if (text === 'true' || text === 't' || text === '1') return true;
  return text === 'false' || text === 'f' || text === '0' || text === '' ? false : null;
}
