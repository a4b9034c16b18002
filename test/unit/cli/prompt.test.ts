import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { scriptArguments } from '../../support/script';

const SECRET = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQ';

/** `script` gives the program a terminal and prints what that shows. */
function inTerminal(code: string) {
  const command = [process.execPath, ...scriptArguments(code)]
    .map((part) => `'${part.replaceAll("'", `'\\''`)}'`)
    .join(' ');
  return spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
}

const ASK = `
  const { promptHidden } = load('cli/prompt');
  await promptHidden('Your unseal share: ').then(
    (value) => console.log('length ' + value.length),
    (error) => console.log(error.code, error.message),
  );
`;

test.each([
  ['a line', `${SECRET}\r`, `length ${SECRET.length}`],
  ['Ctrl-C', `${SECRET}\u0003`, 'Aborted Nothing was sent.'],
  ['Ctrl-D', '\u0004', 'Aborted Nothing was sent.'],
])('takes %s without showing what is typed', async (_what, typed, answer) => {
  const terminal = inTerminal(ASK);
  let screen = '';
  let sent = false;
  terminal.stdout.on('data', (chunk) => {
    screen += String(chunk);
    if (sent || !screen.includes('Your unseal share: ')) return;
    sent = true;
    terminal.stdin.write(typed);
  });

  await once(terminal, 'close');

  expect(screen).toContain(answer);
  expect(screen).not.toContain(SECRET);
});
