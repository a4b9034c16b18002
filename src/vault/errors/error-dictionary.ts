import { ABOUT_THE_CLUSTER, ABOUT_THE_SEAL, ABOUT_THE_SNAPSHOT, type Explanation } from './known-messages';
import { ABOUT_REQUESTS, ABOUT_THE_HOST } from './known-requests';

export type { Explanation };

const DICTIONARY = [
  ...ABOUT_THE_SEAL,
  ...ABOUT_THE_SNAPSHOT,
  ...ABOUT_THE_CLUSTER,
  ...ABOUT_THE_HOST,
  ...ABOUT_REQUESTS,
];
const LOG_DICTIONARY = DICTIONARY.filter(({ answerOnly }) => !answerOnly);
/** Older lines are not about this. */
const MAX_LOG_LINES = 500;
const MAX_LINE_LENGTH = 4_000;

/** @returns null when the message is not a known one. */
export function explain(message: string): Explanation | null {
  return find(DICTIONARY, message);
}

/**
 * The known messages at the end of a Vault log, in text or JSON: each once, the newest first. Messages of normal
 * operation are left out.
 * @param lines the end of the log; only the last 500 lines are searched.
 */
export function explainLog(lines: string): Explanation[] {
  const newestFirst = lines.split('\n').slice(-MAX_LOG_LINES).toReversed();
  const known = newestFirst.flatMap((line) => find(LOG_DICTIONARY, line.slice(0, MAX_LINE_LENGTH)) ?? []);
  return known.filter((item, index) => known.findIndex(({ means }) => means === item.means) === index);
}

function find(dictionary: typeof DICTIONARY, message: string): Explanation | null {
  const entry = dictionary.find(({ says }) => says.test(message));
  return entry ? { means: entry.means, advice: entry.advice } : null;
}
