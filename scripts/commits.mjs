// Commits by their messages, which are Conventional Commits: https://www.conventionalcommits.org/en/v1.0.0/
import { execFileSync } from 'node:child_process';
import { CommitParser } from 'conventional-commits-parser';

/** By type: the heading in the changelog, or null for what is not listed. */
export const TYPES = {
  feat: 'Features',
  fix: 'Fixes',
  perf: 'Performance',
  docs: 'Documentation',
  build: null,
  chore: null,
  ci: null,
  refactor: null,
  revert: null,
  style: null,
  test: null,
};

const parser = new CommitParser({
  headerPattern: /^(\w+)(?:\(([^)]+)\))?!?: (\S.*)$/,
  headerCorrespondence: ['type', 'scope', 'subject'],
  breakingHeaderPattern: /^(\w+)(?:\(([^)]+)\))?!: (\S.*)$/,
  noteKeywords: ['BREAKING CHANGE', 'BREAKING-CHANGE'],
});

/** Oldest first. `type` is null where a message is no Conventional Commit. */
export function commitsIn(range) {
  const log = execFileSync('git', ['log', '--reverse', '--no-merges', '--format=%H%n%B%x00', range], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  });
  const records = log.split('\0').map((text) => text.trim());
  return records.filter(Boolean).map((record) => {
    const [hash = '', ...lines] = record.split('\n');
    const { header, type, scope, subject, notes } = parser.parse(lines.join('\n').trim() || '-');
    const known = typeof type === 'string' && Object.hasOwn(TYPES, type);
    return { hash, header, type: known ? type : null, scope, subject, isBreaking: notes.length > 0 };
  });
}
