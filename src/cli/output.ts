import type { Document, DocumentName } from './documents';

/** @param _name of the schema in `schemas/cli/`, which the compiler checks the value against. */
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
