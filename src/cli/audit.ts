import { join } from 'node:path';
import { Command } from 'commander';
import { checkHeads, readHeads, type StoredHeads } from '../audit/audit-heads';
import { verifyTrail } from '../audit/audit-trail';
import { loadConfig, repositoryConfigOf } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import { openRepository } from '../repository/open';
import { reportTrouble } from './generations-listing';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT, verb, withConfig, withJson } from './program';

interface KeptHeads extends StoredHeads {
  unanswered: { repository: string; problem: string }[];
}

const NO_HEADS: KeptHeads = { heads: [], problems: [], unanswered: [] };

export function auditCommand(): Command {
  const verify = verb(
    'verify',
    'Check the chain of an audit trail, and that it still holds what the repositories have kept of it',
    'vault-dr audit verify\nvault-dr audit verify copy-of-audit.jsonl',
  )
    .argument('[file]', "the trail; default: the controller's own. Alone it is compared with no repository")
    .action(runVerify);
  return new Command('audit')
    .description('What was done to the clusters, by whom, and how it ended')
    .addCommand(withJson(withConfig(verify)));
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
    throw new DrError('InvalidInput', `${file} holds no record; is it there?`);
  }
  if (options.json) {
    printJson({ file: trail, ...report, heads: { compared: !alone && unanswered.length === 0, ...kept, unanswered } });
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
      alone ? 'Compared with no repository: give --config for that.' : `Heads kept elsewhere: ${kept.matching} agree.`,
    );
  }
  reportTrouble({ unreadable: [], unanswered, warnings: [] });
  const incidents = report.findings.filter(({ severity }) => severity === 'incident');
  if (report.problems.length + kept.problems.length + incidents.length > 0) process.exitCode = EXIT.damaged;
}

/** That the end was cut off shows in no trail by itself: only those who keep its heads can tell. */
function soundness(unanswered: KeptHeads['unanswered']): string {
  if (unanswered.length === 0) return style('green', 'unbroken');
  const names = [...new Set(unanswered.map(({ repository }) => repository))].join(', ');
  return `${style('yellow', 'unbroken in itself')}, not compared with ${names}`;
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
