import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FAMILIES } from '../../../src/catalogue/catalogue';
import { program } from '../../../src/cli/commands';
import { ENVIRONMENT } from '../../../src/cli/environment';
import { EXIT_CODES } from '../../../src/cli/program';
import { flattened, treeOf } from '../../../src/cli/tree';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { describeIf } from '../../support/describe-if';
import { readMarkdown } from '../../support/markdown';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const run = promisify(execFile);
const LEAVES = flattened(treeOf(program())).filter(({ children }) => children.length === 0);
const has = (tool: string) => spawnSync(tool, ['--version']).error === undefined;

beforeEach(async () => {
  await run(process.execPath, [join(PROJECT_ROOT, 'scripts/generate-man.mjs'), inTest()]);
});

describeIf(has('mandoc'), 'mandoc is not installed')('for mandoc', () => {
  it('is a page without warnings', async () => {
    const { stdout } = await run('mandoc', ['-T', 'lint', '-W', 'warning,stop', inTest('vault-dr.1')]);

    expect(stdout).toBe('');
  });
});

describeIf(has('man'), 'man is not installed')('for man', () => {
  it('is a page without warnings that has every command, option, exit code, variable and message', async () => {
    const env = { ...process.env, MANWIDTH: '80', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' };
    const { stdout, stderr } = await run('man', ['--warnings', '--no-hyphenation', '-l', inTest('vault-dr.1')], {
      env,
    });

    expect(stderr).toBe('');
    const words = stdout.replaceAll(/\s+/g, ' ');
    for (const { path, options, examples } of LEAVES) {
      expect(words).toContain(path.join(' '));
      for (const { flags } of options) expect(words).toContain(flags);
      for (const example of examples) expect(words).toContain(example.replaceAll(/\s+/g, ' '));
    }
    for (const { code, means } of Object.values(EXIT_CODES)) expect(words).toContain(`${code} ${means}`);
    for (const name of Object.keys(ENVIRONMENT)) expect(words).toContain(name);
    for (const { code } of FAMILIES.flatMap(({ entries }) => entries)) expect(words).toContain(code);
  });
});

test('docs/cli.md says the same of exit codes and environment, and names no option that a command lacks', async () => {
  const { text, sections } = await readMarkdown(join(PROJECT_ROOT, 'docs/cli.md'));
  const rows = sections.find(({ heading }) => heading === 'Exit codes')?.rows ?? [];

  expect(rows).toEqual(Object.values(EXIT_CODES).map(({ code, means }) => [String(code), means]));
  for (const name of Object.keys(ENVIRONMENT)) expect(text).toContain(`\`${name}`);
  const wrong = LEAVES.flatMap(({ path, options }) => {
    const section = sections.find(({ heading }) => heading === `\`${path.join(' ')}\``);
    const named = [...(section?.text ?? '').matchAll(/^- `(--[a-z-]+)/gm)].map(([, name = '']) => name);
    return named
      .filter((name) => !options.some(({ names }) => names.includes(name)))
      .map((name) => `${path.join(' ')} ${name}`);
  });
  expect(wrong).toEqual([]);
});
