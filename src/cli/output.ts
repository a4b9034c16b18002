import type { Document, DocumentName } from './documents';

/** The name is that of its schema in `schemas/cli/`: the compiler holds each command to it. */
export function printJson<N extends DocumentName>(_name: N, value: Document<N>): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** For people, next to the answer: progress, warnings, advice. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
