import { escapeMarkdown, markdownList } from '../../src/contract/markdown';
import type { ReadinessReport } from '../../src/contract/readiness';
import { describeReadiness } from '../../src/contract/voice/readiness-text';

/** What `temporal workflow metadata` and the Web UI show of an evaluation, in Markdown. */
export function readinessDetails(report: ReadinessReport): string {
  const { headline, facts, open, passedLine } = describeReadiness(report);
  const lines = open.map(({ checks, verdict, seen, remedy }) =>
    [`${checks.join(', ')}: ${verdict === 'unchecked' ? 'not checked: ' : ''}${seen}.`, remedy ?? ''].join(' '),
  );
  return [`### ${escapeMarkdown(headline)}`, markdownList(facts), markdownList(lines), escapeMarkdown(passedLine)]
    .filter((block) => block !== '')
    .join('\n\n');
}
