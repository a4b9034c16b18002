import { join } from 'node:path';
import type { Command } from 'commander';
import { checkHeads, readHeads, type StoredHeads } from '../audit/audit-heads';
import type { AuditFinding } from '../audit/audit-findings';
import { trailHead, verifyTrail } from '../audit/audit-trail';
import { checkOthers, linesOf, othersAmong, type OtherTrail } from '../audit/other-trails';
import { type CopiedTrail, readCopies } from '../audit/trail-copies';
import { controllerName } from '../config/controller-name';
import { formatCount } from '../contract/format';
import { printable } from '../contract/printable';
import { loadConfig, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import { openRepository } from '../repository/open';
import { reportTrouble } from './backups-listing';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT } from './program';

interface KeptHeads extends StoredHeads {
  /** Trails of all controllers, as the repositories have them. */
  copies: CopiedTrail[];
  unanswered: { repository: string; problem: string }[];
}

const NOTHING_KEPT: KeptHeads = { heads: [], problems: [], copies: [], unanswered: [] };

export async function runVerify(file: string | undefined, options: CommonOptions, command: Command): Promise<void> {
  const alone = file !== undefined && command.getOptionValueSource('config') === 'default';
  const config = alone ? null : await loadConfig(options.config);
  const trail = file ?? join(config?.stateDir ?? '', 'audit.jsonl');
  const { heads, problems, copies, unanswered } = config ? await keptIn(config) : NOTHING_KEPT;
  const first = (await trailHead(trail))?.trail;
  const foreign = config ? othersAmong(copies, { first, name: controllerName(config) }) : [];
  const { hashes, entries, ...report } = await verifyTrail(trail, foreign.flatMap(linesOf));
  const others = checkOthers(foreign, heads, { first, lines: entries });
  const names = config ? { controller: controllerName(config) } : {};
  const checked = checkHeads({ hashes }, heads, names);
  const kept = { ...checked, problems: [...checked.problems, ...problems] };
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

async function keptIn(config: Config): Promise<KeptHeads> {
  const kept: KeptHeads = { heads: [], problems: [], copies: [], unanswered: [] };
  for (const [cluster, { repositories }] of Object.entries(config.clusters)) {
    for (const name of repositories) {
      try {
        const repository = await openRepository(name, repositoryConfigOf(config, name));
        const [stored, copies] = await Promise.all([readHeads(repository, cluster), readCopies(repository, cluster)]);
        kept.heads.push(...stored.heads);
        kept.copies.push(...copies);
        kept.problems.push(...stored.problems);
      } catch (error) {
        if (!isDrError(error)) throw error;
        kept.unanswered.push({ repository: name, problem: error.message });
      }
    }
  }
  return kept;
}
