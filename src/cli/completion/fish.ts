import { type ArgumentNode, type CommandNode, flattened, type OptionNode, type ValueKind } from '../tree';
import { CLUSTERS_AWK, CONFIG_FILE, paths } from './words';

export function fishScript(root: CommandNode): string {
  return `# fish completion for vault-dr, made by: vault-dr completion fish
function __vault_dr_path
    set -l path vault-dr
    for word in (commandline -opc)[2..-1]
        if contains -- "$path $word" ${paths(root).slice(1).map(quoted).join(' ')}
            set path "$path $word"
        end
    end
    echo $path
end

function __vault_dr_at
    test (__vault_dr_path) = "$argv"
end

function __vault_dr_clusters
    set -l config ${CONFIG_FILE}
    set -q VAULT_DR_CONFIG; and set config $VAULT_DR_CONFIG
    set -l words (commandline -opc)
    if set -l at (contains -i -- --config $words)
        set -q words[(math $at + 1)]; and set config $words[(math $at + 1)]
    end
    test -r "$config"; and ${CLUSTERS_AWK} "$config" 2>/dev/null
    true
end

complete -c vault-dr -f
${flattened(root).flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, options, children, arguments: [argument] }: CommandNode): string[] {
  const start = `complete -c vault-dr -n ${quoted(`__vault_dr_at ${path.join(' ')}`)}`;
  return [
    ...children.map((child) => `${start} -a ${quoted(child.path.at(-1)!)} -d ${quoted(child.summary)}`),
    ...(argument === undefined || children.length > 0 ? [] : argumentLines(start, argument)),
    ...options.map((option) => `${start} ${optionFlags(option)} -d ${quoted(option.description)}`),
  ];
}

function argumentLines(start: string, { value, choices, description }: ArgumentNode): string[] {
  const values = valueFlags(value, choices);
  return values === '' ? [] : [`${start} ${values} -d ${quoted(description)}`];
}

function optionFlags({ names, value, choices }: OptionNode): string {
  const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`));
  if (value === null) return flags.join(' ');
  const required = value === 'file' || value === 'directory' ? '-r' : '-x';
  return [...flags, required, valueFlags(value, choices)].filter((part) => part !== '').join(' ');
}

function valueFlags(value: ValueKind, choices: readonly string[]): string {
  switch (value) {
    case 'file':
      return '-F';
    case 'directory':
      return "-a '(__fish_complete_directories)'";
    case 'cluster':
      return "-a '(__vault_dr_clusters)'";
    case 'choice':
      return `-a ${quoted(choices.join(' '))}`;
    case 'text':
      return '';
  }
}

/** In fish a backslash counts in single quotes too. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
