import { FAMILIES } from '../catalogue/catalogue';
import { DEFAULT_CONFIG_FILE } from '../config/default-file';
import { ENVIRONMENT } from './environment';
import { GROUP } from './help';
import { EXIT_CODES } from './program';
import { type CommandNode, flattened } from './tree';

/** The manual page, in man(7). One page: a tired operator types `man vault-dr` and searches in it. */
export function manualPage(root: CommandNode, version: string, date: string): string {
  const lines = [
    `.TH VAULT\\-DR 1 ${date} ${quoted(`vault-dr ${version}`)} "User Commands"`,
    section('NAME'),
    'vault\\-dr \\- disaster recovery for HashiCorp Vault and OpenBao',
    section('SYNOPSIS'),
    '.B vault\\-dr',
    '.I COMMAND',
    '[options]',
    section('DESCRIPTION'),
    text(root.summary),
    '.PP',
    text('If a cluster is down, these change nothing:'),
    ...example('vault-dr status --cluster NAME'),
    ...example('vault-dr restore --cluster NAME --plan'),
    ...example('vault-dr backups list --cluster NAME'),
    '.PP',
    text('Then one of recover-quorum, rebuild-node, restore --in-place and restore, in this order of preference.'),
    ...Object.values(GROUP).flatMap((group) => groupLines(root, group)),
    section('EXIT STATUS'),
    ...Object.values(EXIT_CODES).flatMap(({ code, means }) => item(String(code), means)),
    section('ENVIRONMENT'),
    ...Object.entries(ENVIRONMENT).flatMap(([name, means]) => item(name, means)),
    section('FILES'),
    ...item(DEFAULT_CONFIG_FILE, 'configuration'),
    section('MESSAGES'),
    text('Codes of messages. For what one means and what to do: vault-dr explain CODE'),
    ...FAMILIES.flatMap(({ title, entries }) => [
      ...(entries.length > 0 ? [`.SS ${quoted(title)}`] : []),
      ...entries.flatMap((entry) => item(entry.code, entry.title)),
    ]),
    section('SEE ALSO'),
    '.BR vault (1),\n.BR bao (1),\n.BR temporal (1),\n.BR age (1)',
  ];
  return `${lines.join('\n')}\n`;
}

function groupLines(root: CommandNode, group: string): string[] {
  const commands = root.children.filter((command) => command.group === group);
  return [
    section(`${group.replace(/:$/, '').toUpperCase()}`),
    ...commands
      .flatMap(flattened)
      .filter(({ children }) => children.length === 0)
      .flatMap(commandLines),
  ];
}

function commandLines({ usage, summary, arguments: operands, options, examples }: CommandNode): string[] {
  return [
    `.SS ${quoted(usage)}`,
    text(`${summary}.`),
    ...operands.flatMap(({ name, description }) => item(name, description)),
    ...options.flatMap(({ flags, description }) => item(flags, description)),
    ...(examples.length > 0 ? ['.PP', examples.length > 1 ? 'Examples:' : 'Example:'] : []),
    ...examples.flatMap(example),
  ];
}

function section(name: string): string {
  return `.SH ${quoted(name)}`;
}

function item(term: string, meaning: string): string[] {
  return ['.TP', `\\fB${escaped(term)}\\fR`, text(meaning)];
}

function example(command: string): string[] {
  return ['.PP', '.RS 4', '.EX', text(command), '.EE', '.RE'];
}

/** A dot or quote at the start of a line would be a request. */
function text(line: string): string {
  return escaped(line).replace(/^(['.])/, '\\&$1');
}

function quoted(argument: string): string {
  return `"${escaped(argument).replaceAll('"', '\\(dq')}"`;
}

/** Keeps hyphens copyable, and avoids characters that a terminal may lack. */
function escaped(line: string): string {
  return line
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('`', '')
    .replaceAll('…', '...')
    .replaceAll('·', '\\(pc')
    .replaceAll('~', '\\(ti')
    .replaceAll("'", '\\(aq')
    .replaceAll('^', '\\(ha');
}
