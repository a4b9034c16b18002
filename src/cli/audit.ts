import { join } from 'node:path';
import type { Command } from 'commander';
import { checkHeads, readHeads, type StoredHeads } from '../audit/audit-heads';
import { verifyTrail } from '../audit/audit-trail';
import { loadConfig, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import { openRepository } from '../repository/open';
import { reportTrouble } from './backups-listing';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT, family, verb, withConfig, withJson } from './program';

interface KeptHeads extends StoredHeads {
  unanswered: { repository: string; problem: string }[];
}

const NO_HEADS: KeptHeads = { heads: [], problems: [], unanswered: [] };

export function auditCommand(): Command {
  const verify = verb(
    'verify',
    'Check the hash chain of an audit trail against the repositories',
    'vault-dr audit verify\nvault-dr audit verify copy-of-audit.jsonl',
  )
    .argument('[file]', "a copy of a trail, checked on its own; default: the controller's trail")
    .action(runVerify);
  return family('audit', 'Check the trail of who did what to the clusters').addCommand(withJson(withConfig(verify)));
}

async function runVerify(file: string | undefined, options: CommonOptions, command: Command): Promise<void> {
  const alone = file !== undefined && command.getOptionValueSource('config') === 'default';
  const config = alone ? null : await loadConfig(options.config);
  const trail = file ?? join(config?.stateDir ?? '', 'audit.jsonl');
  const { hashes, ...report } = await verifyTrail(trail);
  const { heads, problems, unanswered } = config ? await headsOf(config) : NO_HEADS;
  const checked = checkHeads({ hashes }, heads);
  const kept = { ...checked, problems: [...checked.problems, ...problems] };
  if (report.records === 0 && file !== undefined) {
    throw new DrError('InvalidInput', `${file} is missing or holds no record.`, { where: file });
  }
  if (options.json) {
    printJson('audit-verify', {
      file: trail,
      ...report,
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
    note(
      alone
        ? 'Not compared with the repositories. To compare, add --config.'
        : `Heads kept in the repositories: ${kept.matching} match.`,
    );
  }
  reportTrouble({ unreadable: [], unanswered, warnings: [] });
  const incidents = report.findings.filter(({ severity }) => severity === 'incident');
  if (report.problems.length + kept.problems.length + incidents.length > 0) process.exitCode = EXIT.damaged;
}

/** A trail whose end was cut off looks complete: only the heads in the repositories show it. */
function soundness(unanswered: KeptHeads['unanswered']): string {
  if (unanswered.length === 0) return style('green', 'intact');
  const names = [...new Set(unanswered.map(({ repository }) => repository))].join(', ');
  return `${style('yellow', 'intact in itself')}, not compared with ${names}`;
}

async function headsOf(config: Config): Promise<KeptHeads> {
  const kept: KeptHeads = { heads: [], problems: [], unanswered: [] };
  for (const [cluster, { repositories }] of Object.entries(config.clusters)) {
    for (const name of repositories) {
      try {
        const stored = await readHeads(await openRepository(name, repositoryConfigOf(config, name)), cluster);
        kept.heads.push(...stored.heads);
        kept.problems.push(...stored.problems);
      } catch (error) {
        if (!isDrError(error)) throw error;
        kept.unanswered.push({ repository: name, problem: error.message });
      }
    }
  }
  return kept;
}
