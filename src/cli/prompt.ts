import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { DrError } from '../contract/failures';

/** Asks at the terminal. */
export async function promptLine(question: string, onAbort = 'Nothing was sent.'): Promise<string> {
  const readline = createInterface({ input: process.stdin, output: process.stderr, terminal: true });
  try {
    return await new Promise<string>((resolve, reject) => {
      const abort = () => reject(new DrError('Aborted', onAbort));
      readline.question(question, resolve);
      readline.once('SIGINT', abort);
      readline.once('close', abort);
    });
  } finally {
    readline.close();
  }
}

/** Asks at the terminal without showing what is typed. */
export async function promptHidden(question: string, onAbort = 'Nothing was sent.'): Promise<string> {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const readline = createInterface({ input: process.stdin, output: silent, terminal: true });
  process.stderr.write(question);
  try {
    return await new Promise<string>((resolve, reject) => {
      readline.once('line', resolve);
      readline.once('SIGINT', () => reject(new DrError('Aborted', onAbort)));
      readline.once('close', () => reject(new DrError('Aborted', onAbort)));
    });
  } finally {
    readline.close();
    process.stderr.write('\n');
  }
}

/** Asks for a yes at the terminal. Anything else is a no. */
export async function promptYes(question: string): Promise<boolean> {
  const readline = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve) => {
      readline.question(`${question} [y/N] `, resolve);
      readline.once('close', () => resolve(''));
    });
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    readline.close();
  }
}
