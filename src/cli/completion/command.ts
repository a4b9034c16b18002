import type { Command } from 'commander';
import { print } from '../output';
import { treeOf } from '../tree';
import { bashScript } from './bash';
import { fishScript } from './fish';
import { zshScript } from './zsh';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export function runCompletion(shell: keyof typeof SCRIPTS, _options: unknown, command: Command): void {
  print(SCRIPTS[shell](treeOf(command.parent!)).trimEnd());
}
