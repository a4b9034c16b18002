import { program } from './commands';
import { explain } from './explain';
import { style } from '../terminal';
import { note } from './output';

async function main(): Promise<void> {
  // Whoever read our output has seen enough, as `head` does.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  try {
    await program().parseAsync(process.argv);
  } catch (error) {
    const { exitCode, text } = explain(error);
    if (process.argv.includes('--json') && text !== '')
      process.stdout.write(`${JSON.stringify({ error: text, exitCode })}\n`);
    else if (text !== '') note(style('red', text, process.stderr));
    process.exitCode = exitCode;
  }
}

void main();
