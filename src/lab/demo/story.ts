import { style } from '../../terminal';
import { DrError } from '../../contract/failures';
import type { Lab } from '../lab';

/** Tells what happens, line by line; the same in a terminal and in a log. */
export interface Story {
  chapter(title: string): void;
  say(text: string): void;
  /** What people or machines do to the run from outside. */
  event(text: string): void;
  trouble(text: string): void;
  /**
   * Runs a command for real, and shows it as an operator types it with what it printed.
   * @throws DrError when it fails.
   */
  run(lab: Lab, args: string[], options?: { input?: string; note?: string }): Promise<void>;
  /** Everything printed so far. */
  readonly transcript: string;
}

const INDENT = '   ';

export function createStory(): Story {
  let transcript = '';
  let chapters = 0;
  const write = (text: string) => {
    transcript += `${text}\n`;
    process.stdout.write(`${text}\n`);
  };
  const indented = (text: string) =>
    text
      .trimEnd()
      .split('\n')
      .map((line) => `${INDENT}${line}`.trimEnd())
      .join('\n');

  return {
    chapter: (title) => write(`\n${style('bold', `${++chapters}. ${title}`)}`),
    say: (text) => write(indented(text)),
    event: (text) => write(style('yellow', `>> ${text}`)),
    trouble: (text) => write(style('red', indented(text))),
    async run(lab, args, { input, note } = {}) {
      const { code, stdout, stderr } = await lab.cli(args, input === undefined ? {} : { input });
      if (code !== 0)
        throw new DrError('Internal', `vault-dr ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
      // In one piece, because progress of the run is printed at the same time.
      const typed = `$ vault-dr ${args.join(' ')}${note === undefined ? '' : `   # ${note}`}`;
      write(indented(`${style('cyan', typed)}\n${stdout}`));
    },
    get transcript() {
      return transcript;
    },
  };
}
