// One word for one thing: what the glossary says instead of words that readers have to guess at.

/** Wrong anywhere: in messages, comments, tests, docs. */
export const WORDS = [
  { wrong: /\banew\b/i, say: 'again, from scratch, or rebuilt' },
  { wrong: /\bmend(s|ed|ing)?\b/i, say: 'fix, repair' },
  { wrong: /\bamiss\b/i, say: 'incomplete, not copied, wrong' },
  { wrong: /\bin vain\b/i, say: 'timed out after, without success' },
  { wrong: /\b(go|goes|going|went|gone) on\b/i, say: 'continue' },
  { wrong: /\bcall(s|ed|ing)?( it)? off\b/i, say: 'cancel' },
  { wrong: /\bunsa(y|id|ys)\b/i, say: 'undo' },
  { wrong: /\bdata (are|were|have|come|lie|stand)\b/i, say: 'data is' },
  { wrong: /\b(is|are|was|were|be|been|being) told\b/i, say: 'is notified, sees, gets' },
  { wrong: /\bjudge(s|d)?\b/i, say: 'evaluate, check, decide by' },
  { wrong: /(?<!heart)\bbeats?\b/i, say: 'heartbeat, progress' },
  { wrong: /\b(autopilot|raft) (is|was) content\b/i, say: 'healthy' },
  { wrong: /\bin spite of\b/i, say: 'despite; for an accepted refusal: override' },
  { wrong: /\bwhat (it|they|he) had made\b/i, say: 'the data that it wrote' },
  { wrong: /\bmade up for\b|\bmakes up for\b/i, say: 'catches up' },
  { wrong: /\bnobody wants to\b/i, say: 'name the condition' },
  { wrong: /\b(as|so) it were\b|\bfor good and all\b/i, say: 'nothing' },
  { wrong: /\bnone the worse\b/i, say: 'may be missing, may have ended' },
  { wrong: /\bif need be\b/i, say: 'if necessary, optionally' },
  { wrong: /\bwithout a word\b/i, say: 'without an error, silently' },
  { wrong: /\bstood still\b/i, say: 'was frozen, has stalled' },
];

/** Sentence shapes of another language. */
export const SHAPES = [
  { wrong: /(^|[.:;] )(Is|Are|Was|Were|Has|Have|Had|Does|Do|Did) (?!not )[^.?!]{3,80}: /, say: '"If …, …"' },
  { wrong: /(^|[;,] )is it [^.?!]{3,60}, (set|give|run|take)\b/i, say: '"If it is …, …"' },
  { wrong: /\bHad it [a-z]+ed\b/, say: '"If it …"' },
];

/** @returns {string[]} What is wrong with a text, and what to say instead. */
export function problemsOf(text, rules = [...WORDS, ...SHAPES]) {
  return rules.flatMap(({ wrong, say }) => {
    const found = wrong.exec(text);
    return found === null ? [] : [`'${found[0].trim()}': say ${say}`];
  });
}
