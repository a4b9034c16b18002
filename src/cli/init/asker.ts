import { isDrError } from '../../contract/failures';
import { note } from '../output';
import { promptHidden, promptLine } from '../prompt';

const ON_ABORT = 'Nothing was written, on this host or in Vault.';

/** Asks a person. */
export interface Asker {
  line(question: string): Promise<string>;
  hidden(question: string): Promise<string>;
}

export const TERMINAL: Asker = {
  line: (question) => promptLine(question, ON_ABORT),
  hidden: (question) => promptHidden(question, ON_ABORT),
};

export interface Question<T> {
  text: string;
  /** What Enter stands for. */
  preset: string;
  parse: (text: string) => T | Promise<T>;
}

/** What a flag says, what a person types, or the preset where nobody is asked. */
export async function answerTo<T>(asker: Asker | null, given: string | undefined, question: Question<T>): Promise<T> {
  const { text, preset, parse } = question;
  if (given !== undefined) return parse(given);
  if (asker === null) return parse(preset);
  for (;;) {
    const typed = (await asker.line(`${text}${preset === '' ? '' : ` [${preset}]`}: `)).trim();
    try {
      return await parse(typed === '' ? preset : typed);
    } catch (error) {
      if (!isDrError(error)) throw error;
      note(error.message);
    }
  }
}

/** One after the other, until nothing more is typed. */
export async function answersTo<T>(
  asker: Asker | null,
  given: readonly string[],
  text: string,
  parse: (text: string) => T | Promise<T>,
): Promise<T[]> {
  if (given.length > 0 || asker === null) return Promise.all(given.map((item) => parse(item)));
  const answers: T[] = [];
  for (;;) {
    const next = await answerTo<T | null>(asker, undefined, {
      text: answers.length === 0 ? text : '  another one, or Enter',
      preset: '',
      parse: (typed) => (typed === '' ? null : parse(typed)),
    });
    if (next === null) return answers;
    answers.push(next);
  }
}
