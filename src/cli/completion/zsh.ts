import { quoted } from '../../contract/shell-word';
import { type CommandNode, flattened, type ValueKind } from '../tree';
import { byKind, CLUSTERS_AWK, CONFIG_FILE, paths, valuePlaces } from './words';

export function zshScript(root: CommandNode): string {
  return `#compdef vault-dr
# zsh completion for vault-dr, made by: vault-dr completion zsh
_vault_dr_clusters() {
  local config=\${VAULT_DR_CONFIG:-${CONFIG_FILE}}
  local -i at=\${words[(I)--config]}
  ((at > 0 && at < CURRENT - 1)) && config=\${(Q)words[at + 1]}
  ${CLUSTERS_AWK} "$config" 2>/dev/null
}

_vault_dr() {
  local at=vault-dr word
  local -a found
  for word in \${words[2,CURRENT - 1]}; do
    case "$at $word" in
    (${patterns(paths(root).slice(1))}) at="$at $word" ;;
    esac
  done
  case "$at \${words[CURRENT - 1]}" in
${byKind(valuePlaces(root))
  .map(({ value, choices, keys }) => `  (${patterns(keys)})\n    ${action(value, choices)}\n    return\n    ;;`)
  .join('\n')}
  esac
  case "$at" in
${flattened(root).map(commandCase).join('\n')}
  esac
}

if [[ $funcstack[1] == _vault_dr || $funcstack[1] == _vault-dr ]]; then _vault_dr "$@"; else compdef _vault_dr vault-dr; fi
`;
}

function commandCase({ path, options, children, arguments: [argument] }: CommandNode): string {
  const commands = children.map((child) => described(child.path.at(-1)!, child.summary));
  const flags = options.flatMap(({ names, description }) => names.map((name) => described(name, description)));
  const own =
    commands.length > 0
      ? [`found=(${commands.join(' ')})`, "_describe -t commands 'command' found"]
      : argument === undefined
        ? []
        : [action(argument.value, argument.choices)];
  const lines = [
    'if [[ ${words[CURRENT]} == -* ]]; then',
    `  found=(${flags.join(' ')})`,
    "  _describe -t options 'option' found",
    ...(own.length === 0 ? [] : ['else', ...own.map((line) => `  ${line}`)]),
    'fi',
  ];
  // Without an argument only options can follow.
  if (own.length === 0) lines.splice(0, 1, 'if true; then');
  return `  (${quoted(path.join(' '))})\n    ${lines.join('\n    ')}\n    ;;`;
}

function described(name: string, description: string): string {
  return quoted(`${name.replaceAll(':', '\\:')}:${description}`);
}

function action(value: ValueKind, choices: readonly string[]): string {
  switch (value) {
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'cluster':
      return 'compadd -- ${(f)"$(_vault_dr_clusters)"}';
    case 'choice':
      return `compadd -- ${choices.join(' ')}`;
    case 'text':
      return ':';
  }
}

function patterns(keys: readonly string[]): string {
  return keys.map(quoted).join(' | ');
}
