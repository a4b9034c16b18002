import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { readMarkdown } from './markdown';

export const inProject = (path: string) => join(PROJECT_ROOT, path);

/** What users and contributors read. */
export async function pages(): Promise<string[]> {
  const below = async (folder: string) => {
    const names = await readdir(inProject(folder), { recursive: true }).catch(() => []);
    return names.filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`);
  };
  return [
    'README.md',
    'CHANGELOG.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'temporal-config/README.md',
    ...(await below('docs')),
    ...(await below('examples')),
  ];
}

export async function blocksOf(language: string): Promise<{ page: string; code: string }[]> {
  const found = await Promise.all(
    (await pages()).map(async (page) => {
      const { blocks } = await readMarkdown(inProject(page));
      return blocks.filter((block) => block.language === language).map(({ code }) => ({ page, code }));
    }),
  );
  return found.flat();
}

/** As GitHub makes them of headings. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
    .replaceAll(' ', '-');
}

/** The commands of vault-dr in a script, each as its arguments. */
export function vaultDrCommands(script: string): string[][] {
  return script
    .replaceAll('\\\n', ' ')
    .split('\n')
    .flatMap((line) => [...line.matchAll(/(?<=^ *|[|;] *|[A-Z_]+=\S+ |exec (?:-T )?\S+ )vault-dr (.*)/g)])
    .map(([, text = '']) => argumentsOf(text));
}

/** Words up to whatever ends a command or redirects it. */
function argumentsOf(text: string): string[] {
  const words: string[] = [];
  for (const [token, quoted] of text.matchAll(/'([^']*)'|[^\s']+/g)) {
    if (quoted === undefined && /^(?:[|;&#)]|\d?[<>])/.test(token)) break;
    words.push(quoted ?? token);
  }
  return words;
}

/** What a program has against a command; null when it takes it. A command in a sentence may lack what is required. */
export function usageProblem(root: Command, words: readonly string[], inSentence = false): string | null {
  let command = root;
  let at = 0;
  for (; at < words.length; at++) {
    const child = command.commands.find((item) => [item.name(), ...item.aliases()].includes(words[at] ?? ''));
    if (!child) break;
    command = child;
  }
  if (command === root) {
    return words.every((word) => optionOf(root, word)) ? null : `there is no '${words[0]}'`;
  }
  if (command.commands.length > 0)
    return inSentence && at === words.length ? null : `'${words.join(' ')}' is no command`;
  const given = new Set<Option>();
  const operands: string[] = [];
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') {
      operands.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith('--')) {
      operands.push(word);
      continue;
    }
    const option = optionOf(command, word);
    if (!option) return `'${command.name()}' has no ${word}`;
    given.add(option);
    const hasValue = words[at + 1] !== undefined && !words[at + 1]?.startsWith('--');
    if (option.required && !hasValue && !inSentence) return `${word} needs a value`;
    if ((option.required || option.optional) && hasValue) at++;
  }
  if (inSentence) return null;
  const missing = command.options.find((option) => option.mandatory && !given.has(option));
  if (missing) return `'${command.name()}' needs ${missing.long}`;
  const wanted = command.registeredArguments;
  if (operands.length < wanted.filter((argument) => argument.required).length) return `'${command.name()}' needs more`;
  if (operands.length > wanted.length && !wanted.at(-1)?.variadic) return `'${operands.join(' ')}' is too much`;
  return null;
}

function optionOf(command: Command, word: string): Option | undefined {
  const name = word.split('=')[0];
  return (
    command.options.find(({ long }) => long === name) ?? (name === '--help' ? command.createOption(name) : undefined)
  );
}
