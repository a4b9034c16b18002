import { cursorTo, moveCursor, clearScreenDown } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { NO_ANSWER } from '../contract/voice/one-line';

const INTERVAL_MS = 500;
const LAST_POLL_MS = 10_000;

export interface Followed<T> {
  /** Ends when the run does. */
  result: Promise<T>;
  /** The current text; a rejection means no answer at the moment. */
  inspect: () => Promise<string>;
  /** One line, for output that is not a terminal; printed when it changes. */
  line: () => Promise<string>;
}

/** Shows a run until it ends: redrawn in a terminal, a line for each change elsewhere. Ctrl-C leaves the run alone. */
export async function follow<T>(followed: Followed<T>, stream: NodeJS.WriteStream = process.stderr): Promise<T> {
  let ended = false;
  const end = followed.result.then(
    () => undefined,
    () => undefined,
  );
  void end.then(() => (ended = true));
  let polling: Promise<unknown> = Promise.resolve();
  const screen = stream.isTTY ? redrawing(stream) : printing(stream);
  while (!ended) {
    const text = await Promise.race([inspect(), end]);
    if (text !== undefined) screen(text);
    await Promise.race([sleep(INTERVAL_MS), end]);
  }
  // The caller closes the connection next; a query still open there would crash the process.
  await Promise.race([polling, sleep(LAST_POLL_MS, undefined, { ref: false })]);
  return followed.result;

  function inspect(): Promise<string> {
    const polled = (stream.isTTY ? followed.inspect() : followed.line()).catch(() => NO_ANSWER);
    polling = polled;
    return polled;
  }
}

function printing(stream: NodeJS.WriteStream): (text: string) => void {
  let last = '';
  return (text) => {
    if (text === last) return;
    last = text;
    stream.write(`${text}\n`);
  };
}

function redrawing(stream: NodeJS.WriteStream): (text: string) => void {
  let height = 0;
  return (text) => {
    if (height > 0) moveCursor(stream, 0, -height);
    cursorTo(stream, 0);
    clearScreenDown(stream);
    const lines = fitted(text.split('\n'), (stream.rows || 40) - 1, stream.columns || 80);
    stream.write(`${lines.join('\n')}\n`);
    height = heightOf(lines, stream.columns || 80);
  };
}

/** The next command is at the end, so lines that do not fit are cut below the headline. */
export function fitted(lines: string[], rows: number, columns: number): string[] {
  if (heightOf(lines, columns) <= rows) return lines;
  const top = [lines[0] ?? '', '… for all of it: vault-dr status, without --follow'];
  const rest = lines.slice(1);
  while (rest.length > 1 && heightOf([...top, ...rest], columns) > rows) rest.shift();
  return [...top, ...rest];
}

function heightOf(lines: string[], columns: number): number {
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(stripVTControlCharacters(line).length / columns)), 0);
}
