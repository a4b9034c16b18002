import { Argument, type Command } from 'commander';
import { print } from '../output';
import { verb } from '../program';
import { treeOf } from '../tree';
import { bashScript } from './bash';
import { fishScript } from './fish';
import { zshScript } from './zsh';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** The scripts are static: a shell that completes never waits for this program. */
export function completionCommand(): Command {
  return verb(
    'completion',
    'Print a completion script for your shell',
    'vault-dr completion bash >/etc/bash_completion.d/vault-dr\nvault-dr completion zsh >"${fpath[1]}/_vault-dr"\nvault-dr completion fish >~/.config/fish/completions/vault-dr.fish',
  )
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS, _options, command: Command) => {
      print(SCRIPTS[shell](treeOf(command.parent!)).trimEnd());
    });
}
