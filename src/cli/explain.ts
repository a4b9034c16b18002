import { type CatalogueEntry, entryOf, FAMILIES, linkTo, type MessageCode } from '../catalogue/catalogue';
import { wrap } from '../catalogue/wrap';
import { DrError } from '../contract/failures';
import { printable } from '../contract/printable';
import { renderTable, style } from '../terminal';
import { note, print, printJson } from './output';
import { closest } from './suggest';

const WIDEST = 100;
const CODES = FAMILIES.flatMap(({ entries }) => entries.map(({ code }) => code));

export function runExplain(code: string | undefined, options: { json?: boolean }): void {
  if (code === undefined) return list(options.json === true);
  const entry = entryOf(code);
  if (entry === null) throw unknown(code);
  if (options.json) printJson('explain', documentOf(entry));
  else print(render(entry));
}

function list(json: boolean): void {
  if (json)
    return printJson(
      'explain-list',
      FAMILIES.map(({ title, entries }) => ({ family: title, entries: entries.map(documentOf) })),
    );
  for (const { title, entries } of FAMILIES) {
    const rows = entries
      .toSorted((left, right) => left.code.localeCompare(right.code, 'en'))
      .map(({ code, title: text, acceptable }) => [code, acceptable ? `${text} [--accept]` : text]);
    if (rows.length > 0) print(`${style('bold', title)}\n${renderTable([], rows)}\n`);
  }
  note('[--accept]: can be overridden. For one of them: vault-dr explain CODE');
}

function documentOf({ code, title, means, todo, acceptable }: CatalogueEntry) {
  return { code, title, means, todo: [...todo], acceptable, link: linkTo(code as MessageCode) };
}

function render({ code, title, says = [], means, todo, see, acceptable }: CatalogueEntry): string {
  const width = Math.min(process.stdout.columns ?? 80, WIDEST);
  return [
    `${style('bold', code)}: ${title}`,
    '',
    ...wrap(means, width),
    ...(says.length > 0 ? ['', 'Reads:', ...says.flatMap((text) => wrap(text, width, '  '))] : []),
    '',
    'What to do:',
    ...todo.flatMap((step, at) => wrap(step, width, todo.length > 1 ? `  ${at + 1}. ` : '  ')),
    ...(acceptable ? ['', `To override: --accept ${code}`] : []),
    ...(see === undefined ? [] : ['', `See docs/${see}`]),
  ].join('\n');
}

function unknown(code: string): DrError {
  const near = closest(code, CODES);
  return new DrError('InvalidInput', `There is no code '${printable(code).slice(0, 100)}'.`, {
    advice: near.length > 0 ? `Did you mean ${near.join(', ')}?` : 'List all codes: vault-dr explain',
  });
}
