import { program } from '../../../src/cli/commands';
import { firstScreen } from '../../../src/cli/first-screen';
import { GROUP } from '../../../src/cli/help';
import { flattened, treeOf } from '../../../src/cli/tree';

const NODES = flattened(treeOf(program()));
const LEAVES = NODES.filter(({ children }) => children.length === 0);

/** What the program prints, and what it ends with. */
async function run(...args: string[]): Promise<string> {
  let printed = '';
  const root = program();
  const hear = (command: typeof root): void => {
    command.configureOutput({ writeOut: (text) => void (printed += text), writeErr: (text) => void (printed += text) });
    command.commands.forEach(hear);
  };
  hear(root);
  await root.parseAsync(args, { from: 'user' }).catch((error: Error) => (printed += error.message));
  return printed;
}

test('the first screen fits a small terminal and names commands that there are', () => {
  const lines = firstScreen().split('\n');

  expect(lines.length).toBeLessThan(24);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  const named = lines.flatMap((line) => /^ {2}vault-dr ([a-z-]+)/.exec(line)?.[1] ?? []);
  const commands = program().commands.map((command) => command.name());
  expect(named.filter((name) => !commands.includes(name))).toEqual([]);
  expect(named).toContain('restore');
});

test('the list of all commands is in groups, and no line of it is broken at 80 columns', async () => {
  const text = await run('--help');

  for (const heading of Object.values(GROUP)) expect(text).toContain(`\n${heading}\n`);
  for (const { path, summary } of NODES.filter(({ path: words }) => words.length === 2)) {
    expect(text).toMatch(new RegExp(`^  ${path[1]} .*${summary.slice(-12)}$`, 'm'));
  }
});

test.each(LEAVES.map((node) => [node.path.slice(1).join(' '), node] as const))(
  'vault-dr help %s says what is required and has an example',
  async (name, { examples, usage }) => {
    const text = await run('help', ...name.split(' '));

    expect(text.startsWith(`Usage: ${usage}`)).toBe(true);
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) expect(text).toContain(`\n  $ ${example}`);
    expect(/\(required[;)]/.test(text)).toBe(/ --\w/.test(usage));
  },
);

test('the older name of backups and its option work, and are not shown', async () => {
  expect(await run('generations', 'list', '--help')).toContain('Usage: vault-dr backups list');
  expect(await run('help')).not.toContain('generations');
  expect(await run('help', 'restore')).not.toContain('--generation');
});

test.each([
  [['restor'], 'Did you mean restore?'],
  [['help', 'bakups'], 'Did you mean backups?'],
  [['backups', 'verfy'], 'Did you mean verify?'],
  [['backups', 'list', '--cluster', 'prod', '--jsn'], 'Did you mean --json?'],
  [['restore', '--cluster', 'prod', '--accept', 'lose-newr'], 'Did you mean lose-newer-data?'],
  [['restore', '--cluster', 'prod', '--accept', 'xyzzy'], 'For the codes: vault-dr explain'],
])('%j is answered with what is near', async (args, suggestion) => {
  expect(await run(...args)).toContain(suggestion);
});
