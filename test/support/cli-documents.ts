import { z } from 'zod';
import { type DocumentName, DOCUMENTS, DOCUMENTS_OF } from '../../src/cli/documents';

/** Whether these words ask for a document. */
export function asksForJson(args: readonly string[]): boolean {
  return args.includes('--json') || args.includes('--output=json') || args[args.indexOf('--output') + 1] === 'json';
}

/**
 * Holds what a command printed to its schema; no field may be missing or undocumented.
 * @throws Error that says where it differs from each document that the command may print.
 */
export function checkDocument(args: readonly string[], stdout: string): void {
  const names = documentsOf(args);
  const value = JSON.parse(stdout) as unknown;
  const problems = names.map((name) => {
    const { error } = DOCUMENTS[name].safeParse(value);
    return error === undefined ? null : `${name}:\n${z.prettifyError(error)}`;
  });
  if (problems.includes(null)) return;
  throw new Error(`\`vault-dr ${args.join(' ')}\` printed what no schema knows.\n${problems.join('\n')}\n${stdout}`);
}

function documentsOf(args: readonly string[]): DocumentName[] {
  // The older name of a family, and words that stand before it in no command.
  const words = args.map((word) => (word === 'generations' ? 'backups' : word));
  const names = DOCUMENTS_OF[words.slice(0, 2).join(' ')] ?? DOCUMENTS_OF[words[0] ?? ''];
  if (names === undefined) throw new Error(`no document is known of vault-dr ${args.join(' ')}`);
  return [...names, 'error'];
}
