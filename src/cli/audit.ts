import type { Command } from 'commander';
import type { AuditFinding } from '../audit/audit-findings';
import type { OtherTrail } from '../audit/other-trails';
import { formatCount } from '../contract/format';
import { printable } from '../contract/printable';
import { loadConfig } from '../config/load';
import { DrError } from '../contract/failures';
import { auditFileOf, checkTrail, type KeptHeads } from './audit-trails';
import { reportTrouble } from './backups-listing';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT } from './program';

export async function runVerify(file: string | undefined, options: CommonOptions, command: Command): Promise<void> {
  const alone = file !== undefined && command.getOptionValueSource('config') === 'default';
  const config = alone ? null : await loadConfig(options.config);
  const trail = file ?? auditFileOf(config);
  const { report, others, kept, unanswered } = await checkTrail(trail, config);
  if (report.records === 0 && file !== undefined) {
    throw new DrError('InvalidInput', `${file} is missing or holds no record.`, { where: file });
  }
  if (options.json) {
    printJson('audit-verify', {
      file: trail,
      ...report,
      others,
      heads: { compared: !alone && unanswered.length === 0, ...kept, unanswered },
    });
  } else {
    for (const { line, problem } of report.problems) print(style('red', `line ${line} ${problem}`));
    for (const problem of kept.problems) print(style('red', problem));
    for (const { line, severity, text } of report.findings) {
      print(style(severity === 'incident' ? 'red' : 'yellow', `line ${line} ${text}`));
    }
    if (report.problems.length + kept.problems.length === 0) {
      print(`${trail}: ${soundness(unanswered)}, ${report.records} records`);
    }
    if (report.head !== null) print(`head ${report.head}`);
    others.forEach(printOther);
    note(
      alone
        ? 'Not compared with the repositories. To compare, add --config.'
        : `Heads kept in the repositories: ${kept.matching} match.`,
    );
  }
  reportTrouble({ unreadable: [], unanswered, warnings: [] });
  const incidents = [report, ...others].flatMap(({ findings }) => findings.filter(isIncident));
  const broken = [report, ...others, kept].some((checked) => checked.problems.length > 0);
  if (broken || incidents.length > 0) process.exitCode = EXIT.damaged;
}

function isIncident({ severity }: AuditFinding): boolean {
  return severity === 'incident';
}

/** Of another controller; who wrote its name into a repository could write anything. */
function printOther({ controller, records, behind, problems, findings }: OtherTrail): void {
  const name = printable(controller);
  for (const problem of problems) print(style('red', `${name}: ${printable(problem)}`));
  for (const finding of findings) {
    print(style(isIncident(finding) ? 'red' : 'yellow', `${name}: line ${finding.line} ${finding.text}`));
  }
  if (problems.length === 0 && records > 0) {
    print(`${name}: ${style('green', 'intact')} in the repositories, ${formatCount(records, 'record')}`);
  }
  if (behind > 0) {
    const lines = formatCount(behind, 'line is', 'lines are');
    print(style('yellow', `${name}: ${lines} not in the repositories: copy audit.jsonl from its host, and verify it`));
  }
}

/** A trail whose end was cut off looks complete: only the heads in the repositories show it. */
function soundness(unanswered: KeptHeads['unanswered']): string {
  if (unanswered.length === 0) return style('green', 'intact');
  const names = [...new Set(unanswered.map(({ repository }) => repository))].join(', ');
  return `${style('yellow', 'intact in itself')}, not compared with ${names}`;
}
