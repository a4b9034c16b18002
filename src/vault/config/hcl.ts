/**
 * The part of HCL 1 that Vault's configuration is written in (hashicorp/hcl v1.0.1-vault-7, the scanner and the parser of
 * it): attributes, blocks with labels, strings, heredocs, numbers, booleans, lists, objects, three kinds of comments; and
 * JSON, which Vault takes in the same places.
 *
 * It is our own because npm has no maintained parser that is not the Go one compiled to WebAssembly or JavaScript
 * (1.4 to 3.8 MB: hcl-parser, js-hcl-parser, hcl2-parser, @cdktf/hcl2json); the one in JavaScript (hcl-to-json) is of 2017,
 * and HCL 2 has another grammar.
 */
export type HclValue = string | number | boolean | null | HclValue[] | HclBody;

export interface HclBody {
  items: HclItem[];
}

/** `storage "raft" { … }` has the key `storage` and the label `raft`. */
export interface HclItem {
  key: string;
  labels: string[];
  value: HclValue;
}

/** The error and its line; the text itself may be secret and is never in it. */
export class HclError extends Error {
  constructor(what: string, line: number) {
    super(`${what} on line ${line}`);
    this.name = 'HclError';
  }
}

/** @throws HclError */
export function parseHcl(text: string): HclBody {
  const source = text.replace(/^\uFEFF/, '');
  return /^\s*\{/.test(source) ? parseJson(source) : new Parser(source).file();
}

export function isBody(value: HclValue | undefined): value is HclBody {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const ESCAPES: Readonly<Record<string, string>> = { a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
const SPACE = /(?:\s+|#.*|\/\/.*|\/\*[^]*?\*\/)*/y;
const IDENTIFIER = /[\p{L}_][\p{L}\p{Nd}_.-]*/uy;
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d*\.?\d+(?:[eE][+-]?\d+)?)/y;
const HEREDOC = /<<(-?)([\p{L}\p{Nd}]+)\r?\n/uy;
const ESCAPE = /\\(?:([abfnrtv"\\])|([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/y;
/** Far deeper than any configuration; bounds the stack. */
const MAX_DEPTH = 100;

class Parser {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  file(): HclBody {
    return this.#items(() => this.#at === this.#text.length);
  }

  #items(ended: () => boolean): HclBody {
    const items: HclItem[] = [];
    for (;;) {
      this.#skipSpace();
      if (ended()) return { items };
      items.push(this.#item());
      this.#skipSpace();
      this.#accept(',');
    }
  }

  #item(): HclItem {
    const key = this.#key();
    const labels: string[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#accept('=')) {
        this.#skipSpace();
        return { key, labels, value: this.#value() };
      }
      if (this.#next() === '{') return { key, labels, value: this.#value() };
      labels.push(this.#key());
    }
  }

  #key(): string {
    return this.#next() === '"' ? this.#string() : (this.#match(IDENTIFIER)?.[0] ?? this.#fail('a name is missing'));
  }

  #value(): HclValue {
    if (++this.#depth > MAX_DEPTH) this.#fail('it is nested too deeply');
    try {
      return this.#valueInside();
    } finally {
      this.#depth--;
    }
  }

  #valueInside(): HclValue {
    if (this.#accept('{')) return this.#items(() => this.#accept('}'));
    if (this.#accept('[')) return this.#list();
    if (this.#next() === '"') return this.#string();
    const heredoc = this.#match(HEREDOC);
    if (heredoc) return this.#heredoc(heredoc[1] === '-', heredoc[2] ?? '');
    const number = this.#match(NUMBER);
    if (number) return numberOf(number[0]);
    const word = this.#match(IDENTIFIER)?.[0];
    if (word === 'true' || word === 'false') return word === 'true';
    return this.#fail('a value is missing');
  }

  #list(): HclValue[] {
    const values: HclValue[] = [];
    for (;;) {
      this.#skipSpace();
      if (this.#accept(']')) return values;
      values.push(this.#value());
      this.#skipSpace();
      if (!this.#accept(',') && this.#next() !== ']') this.#fail('a comma is missing');
    }
  }

  /** Within `${…}`, quotes and line ends are literal. */
  #string(): string {
    this.#at++;
    let value = '';
    let braces = 0;
    for (;;) {
      const character = this.#next();
      if (character === '' || (character === '\n' && braces === 0)) this.#fail('a string is not terminated');
      if (character === '"' && braces === 0) break;
      if (character === '\\' && braces === 0) {
        value += this.#escape();
        continue;
      }
      if (character === '{' && (braces > 0 || value.endsWith('$'))) braces++;
      if (character === '}' && braces > 0) braces--;
      value += character;
      this.#at++;
    }
    this.#at++;
    return value;
  }

  #escape(): string {
    const escape = this.#match(ESCAPE) ?? this.#fail('a string has an unknown escape');
    const [, letter, octal, ...hexadecimal] = escape;
    if (letter !== undefined) return ESCAPES[letter] ?? letter;
    const code = octal === undefined ? parseInt(hexadecimal.find(Boolean) ?? '', 16) : parseInt(octal, 8);
    return code <= 0x10ffff ? String.fromCodePoint(code) : this.#fail('a string has an unknown escape');
  }

  /** `<<-` removes the common indentation (hcl, token.go). */
  #heredoc(indented: boolean, anchor: string): string {
    const lines: string[] = [];
    for (;;) {
      const end = this.#text.indexOf('\n', this.#at);
      const line = this.#text.slice(this.#at, end < 0 ? undefined : end);
      const isEnd = line.trim() === anchor;
      if (end < 0 && !isEnd) this.#fail('a heredoc is not terminated');
      this.#at = end < 0 ? this.#text.length : isEnd ? end : end + 1;
      if (!isEnd) {
        lines.push(line);
        continue;
      }
      const indentation = /^\s*/.exec(line)?.[0] ?? '';
      const removed = indented && lines.every((item) => item.startsWith(indentation)) ? indentation.length : 0;
      return lines.map((item) => `${item.slice(removed)}\n`).join('');
    }
  }

  #skipSpace(): void {
    this.#match(SPACE);
  }

  #accept(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  /** Empty at the end. */
  #next(): string {
    return this.#text.charAt(this.#at);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match) this.#at = pattern.lastIndex;
    return match;
  }

  #fail(what: string): never {
    throw new HclError(what, this.#text.slice(0, this.#at).split('\n').length);
  }
}

function numberOf(text: string): number {
  const hexadecimal = /^-?0[xX]/.test(text);
  const octal = /^-?0[0-7]+$/.test(text);
  if (!hexadecimal && !octal) return Number(text);
  const digits = text.replace(/^-?0[xX]?/, '');
  return (text.startsWith('-') ? -1 : 1) * parseInt(digits, octal ? 8 : 16);
}

function parseJson(text: string): HclBody {
  try {
    return fromJson(JSON.parse(text)) as HclBody;
  } catch {
    // The parser's own message would quote the text.
    throw new HclError('it is not valid JSON', 1);
  }
}

function fromJson(value: unknown): HclValue {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== 'object' || value === null) return value as HclValue;
  return { items: Object.entries(value).map(([key, inner]) => ({ key, labels: [], value: fromJson(inner) })) };
}
