import { execFile } from 'node:child_process';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { useDirectory } from '../support/temporary';

const ROOT = join(__dirname, '../..');
const LINTER = join(ROOT, 'node_modules/oxlint/bin/oxlint');

const WRONG = {
  'a string': "export const text = 'Mend the cause.';",
  'a template': 'export const text = (name: string) => `${name} goes on without it.`;',
  'a comment': '// Planned anew.\nexport const text = 1;',
  'a question for a condition': "export const text = 'Is one node broken: rebuild it.';",
};
const RIGHT = [
  "export const text = 'Fix the cause. The run continues.';",
  'export const state = (name: string) => `${name}: what is going well, the heartbeat of the run`;',
  "// Says: If one node is broken, rebuild it.\nexport const code = 'amiss';",
  "export const text = 'Do not use it: the backup is damaged.';",
];

describe('the rule for words', () => {
  const directory = useDirectory();

  it('finds a wrong word or sentence wherever people read it, and leaves plain English alone', async () => {
    const root = directory();
    const config = {
      plugins: [],
      categories: { correctness: 'off' },
      jsPlugins: ['./scripts/prose.mjs'],
      rules: { 'prose/words': 'error' },
    };
    await writeFile(join(root, '.oxlintrc.json'), JSON.stringify(config));
    await mkdir(join(root, 'scripts'));
    for (const name of ['prose.mjs', 'words.mjs']) {
      await copyFile(join(ROOT, 'scripts', name), join(root, 'scripts', name));
    }
    const wrong = Object.values(WRONG);
    await Promise.all(wrong.map((code, at) => writeFile(join(root, `wrong-${at}.ts`), `${code}\n`)));
    await Promise.all(RIGHT.map((code, at) => writeFile(join(root, `right-${at}.ts`), `${code}\n`)));

    const { stdout } = await promisify(execFile)(process.execPath, [LINTER, '--format=json', '.'], { cwd: root }).catch(
      (error: { stdout: string }) => error,
    );

    const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
    const found = diagnostics.filter(({ code }) => code === 'prose(words)').map(({ filename }) => filename);
    expect([...new Set(found)].toSorted()).toEqual(wrong.map((_, at) => `wrong-${at}.ts`));
  });
});
