import { execFile, execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { bashScript } from '../../../src/cli/completion/bash';
import { fishScript } from '../../../src/cli/completion/fish';
import { zshScript } from '../../../src/cli/completion/zsh';
import { program } from '../../../src/cli/commands';
import { treeOf } from '../../../src/cli/tree';
import { ACCEPTABLE } from '../../../src/contract/plan';
import { describeIf } from '../../support/describe-if';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const TREE = treeOf(program());
const SCRIPTS = { bash: bashScript(TREE), zsh: zshScript(TREE), fish: fishScript(TREE) };

/** In bash: what Tab offers for the last of these words. */
const BASH = `source "$1"; shift
COMP_WORDS=(vault-dr "$@"); COMP_CWORD=$#
_vault_dr 2>&1; printf '%s\\n' "\${COMPREPLY[@]}"`;

/** A terminal in which zsh is used; prints what is on its line after Tab, then the list that it shows. */
const ZSH = `zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell "PS1=; unset zle_bracketed_paste; autoload -U compinit; compinit -u -D; source '$1'; LISTMAX=1000; setopt no_beep"
zpty -w shell 'print -r -- rea""dy'
while zpty -r shell line '*ready*' ; do break; done
shift; zpty -n -w shell "vault-dr $* "$'\\b\\t'
for n in {1..20}; do sleep 0.05; while zpty -r -t shell line; do print -rn -- "$line"; done; done
zpty -d shell`;

beforeEach(async () => {
  for (const [shell, script] of Object.entries(SCRIPTS)) await writeFile(inTest(shell), script);
  await writeFile(
    inTest('vault-dr.yaml'),
    '# clusters:\n#   nothing: {}\nsigning: {}\nclusters:\n  # production\n  prod:\n    nodes:\n      - name: vault-1\n  "staging": {}\nrepositories:\n  local: {}\n',
  );
  await mkdir(inTest('files'));
  // Two, so that a list of them is shown.
  for (const name of ['old.snap', 'other.snap']) await writeFile(inTest('files', name), '');
});

const DIALOGUES: Record<keyof typeof SCRIPTS, (...words: string[]) => Promise<string[]>> = {
  bash: (...words) => output('bash', ['--norc', '-c', BASH, 'bash', inTest('bash'), ...words]),
  zsh: (...words) => output('zsh', ['-f', '-c', ZSH, 'zsh', inTest('zsh'), ...words]),
  fish: async (...words) => {
    const line = ['vault-dr', ...words].map((word) => (word === '' ? '' : word)).join(' ');
    const found = await output('fish', ['--no-config', '-c', `source ${inTest('fish')}; complete -C '${line}'`]);
    return found.map((text) => text.split('\t')[0] ?? '');
  },
};

async function output(shell: string, args: string[]): Promise<string[]> {
  const env = { ...process.env, VAULT_DR_CONFIG: inTest('vault-dr.yaml'), TERM: 'dumb', COLUMNS: '200' };
  const text = await new Promise<string>((resolve, reject) => {
    execFile(shell, args, { env, cwd: inTest('files') }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${shell}: ${error.message} ${stderr}`));
      else resolve(stdout);
    });
  });
  // A line that was completed is recognised by its words, as a list is.
  return text.split(shell === 'zsh' ? /[\s\r\n]+/ : '\n').filter((word) => word !== '');
}

function isThere(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'exit 0'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  const complete = DIALOGUES[shell];
  describeIf(isThere(shell), `${shell} is not installed`)(`in ${shell}`, () => {
    it('offers the commands, and those below one', async () => {
      expect(await complete('re')).toEqual(expect.arrayContaining(['restore', 'recover-quorum', 'rebuild-node']));
      expect(await complete('re')).not.toContain('unseal');
      expect(await complete('backups', '')).toEqual(expect.arrayContaining(['list', 'verify', 'diff', 'prune']));
    });

    it('offers the options of the command that is typed', async () => {
      const offered = await complete('restore', '--cluster', 'prod', '--');

      expect(offered).toEqual(expect.arrayContaining(['--backup', '--accept', '--in-place', '--json']));
      expect(offered).not.toContain('--generation');
      expect(offered).not.toContain('--repair');
    });

    it('offers the values of an option where they are known', async () => {
      expect(await complete('restore', '--accept', '')).toEqual(expect.arrayContaining(Object.keys(ACCEPTABLE)));
      expect(await complete('status', '--output', '')).toEqual(expect.arrayContaining(['json', 'text']));
    });

    it('offers the clusters of the configuration', async () => {
      const offered = await complete('restore', '--cluster', '');

      expect(offered).toEqual(expect.arrayContaining(['prod', 'staging']));
      expect(offered).not.toContain('local');
      expect(offered).not.toContain('nothing');
    });

    it('offers files where a file is wanted', async () => {
      expect((await complete('inspect', 'o')).join(' ')).toContain('old.snap');
      expect((await complete('backups', 'list', '--config', 'o')).join(' ')).toContain('old.snap');
    });

    it('offers nothing where nothing is known, and does not fail without a configuration', async () => {
      await writeFile(inTest('vault-dr.yaml'), '');

      expect(await complete('restore', '--cluster', 'zz')).not.toContain('prod');
      expect(await complete('approve', '--plan', 'zz')).not.toContain('restore');
    });
  });
}

test('scripts hold no machine path, and name every command', () => {
  for (const script of Object.values(SCRIPTS)) {
    expect(script).not.toContain(process.cwd());
    for (const { path } of TREE.children) expect(script).toContain(path.at(-1));
  }
});
