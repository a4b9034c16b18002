/** Where a text member of a JSON document stands, with its quotes. */
interface Span {
  from: number;
  to: number;
  value: string;
}

/**
 * Replaces one text member of a JSON document, and leaves every other byte as it is: Go writes whole numbers that
 * JavaScript can't read without loss, and an entry of Vault's storage has more of these.
 * @param path names of objects from the outermost on, then that of the member
 * @returns null where there is none, or it is no text
 */
export function replaceMember(json: Buffer, path: readonly string[], to: (value: string) => string): Buffer | null {
  // Every byte is a character of its own; names that are looked for, and dates, are ASCII.
  const text = json.toString('latin1');
  const span = findMember(text, path);
  if (span === null) return null;
  const replaced = `${text.slice(0, span.from)}${JSON.stringify(to(span.value))}${text.slice(span.to)}`;
  return Buffer.from(replaced, 'latin1');
}

/** @returns its text; null where there is none */
export function textMember(json: Buffer, path: readonly string[]): string | null {
  return findMember(json.toString('latin1'), path)?.value ?? null;
}

const STRING = /"(?:[^"\\]|\\.)*"/y;
const SPACE = /\s*/y;

function findMember(text: string, path: readonly string[]): Span | null {
  let at = 0;
  const skip = () => {
    SPACE.lastIndex = at;
    SPACE.exec(text);
    at = SPACE.lastIndex;
  };
  const string = (): string | null => {
    STRING.lastIndex = at;
    const [found] = STRING.exec(text) ?? [];
    if (found === undefined) return null;
    at = STRING.lastIndex;
    return found;
  };

  for (const [depth, name] of path.entries()) {
    skip();
    if (text[at] !== '{') return null;
    at++;
    if (!enter(name)) return null;
    skip();
    if (depth < path.length - 1) continue;
    const from = at;
    const value = string();
    return value === null ? null : { from, to: at, value: JSON.parse(value) as string };
  }
  return null;

  /** Goes to the value of this name, in the object whose brace was just read. */
  function enter(name: string): boolean {
    for (;;) {
      skip();
      const found = string();
      skip();
      if (found === null || text[at] !== ':') return false;
      at++;
      skip();
      if (found === JSON.stringify(name)) return true;
      if (!passValue()) return false;
      skip();
      if (text[at] !== ',') return false;
      at++;
    }
  }

  function passValue(): boolean {
    let open = 0;
    for (; at < text.length; at++) {
      const character = text[at]!;
      if (character === '"') {
        if (string() === null) return false;
        at--;
      } else if ('{['.includes(character)) open++;
      else if ('}]'.includes(character)) {
        if (open === 0) return true;
        open--;
      } else if (character === ',' && open === 0) return true;
    }
    return false;
  }
}
