import { quoted } from '../../contract/shell-word';
import { type CommandNode, flattened, type ValueKind } from '../tree';
import { byKind, CLUSTERS_AWK, CONFIG_FILE, paths, valuePlaces } from './words';

export function bashScript(root: CommandNode): string {
  return `# bash completion for vault-dr, made by: vault-dr completion bash
_vault_dr_clusters() {
  local config=\${VAULT_DR_CONFIG:-${CONFIG_FILE}} i
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == --config ]] && config=\${COMP_WORDS[i + 1]}
  done
  ${CLUSTERS_AWK} "$config" 2>/dev/null
}

_vault_dr_files() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$2"))
}

_vault_dr() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} path=vault-dr i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
    ${patterns(paths(root).slice(1))})
      path="$path \${COMP_WORDS[i]}"
      ;;
    esac
  done
  case "$path $prev" in
${byKind(valuePlaces(root))
  .map(({ value, choices, keys }) => `  ${patterns(keys)})\n    ${action(value, choices)}\n    return\n    ;;`)
  .join('\n')}
  esac
  case "$path" in
${flattened(root).map(commandCase).join('\n')}
  esac
}
complete -F _vault_dr vault-dr
`;
}

function commandCase({ path, options, children, arguments: [argument] }: CommandNode): string {
  const names = options.flatMap((option) => option.names);
  const words = children.map((child) => child.path.at(-1)!);
  const own = argument === undefined || words.length > 0 ? words : argument.choices;
  const completed = [`COMPREPLY=($(compgen -W ${quoted([...own, ...names].join(' '))} -- "$cur"))`];
  if (argument?.value === 'file' || argument?.value === 'directory') {
    completed.unshift(`if [[ $cur != -* ]]; then ${action(argument.value, [])}; return; fi`);
  }
  return `  ${quoted(path.join(' '))})\n    ${completed.join('\n    ')}\n    ;;`;
}

function action(value: ValueKind, choices: readonly string[]): string {
  switch (value) {
    case 'file':
      return '_vault_dr_files -f "$cur"';
    case 'directory':
      return '_vault_dr_files -d "$cur"';
    case 'cluster':
      return 'COMPREPLY=($(compgen -W "$(_vault_dr_clusters)" -- "$cur"))';
    case 'choice':
      return `COMPREPLY=($(compgen -W ${quoted(choices.join(' '))} -- "$cur"))`;
    case 'text':
      return ':';
  }
}

function patterns(keys: readonly string[]): string {
  return keys.map(quoted).join(' | ');
}
