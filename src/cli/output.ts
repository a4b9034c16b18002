export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(text = ''): void {
  process.stdout.write(`${text}\n`);
}

/** For people, next to the answer: progress, warnings, advice. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}
