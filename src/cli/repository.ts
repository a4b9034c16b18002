import { loadConfig, repositoryConfigOf } from '../config/load';
import type { CheckReport, Verdict } from '../repository/check/capability';
import { checkRepository } from '../repository/check/check';
import { renderTable, style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT } from './program';

const COLOURS = { ok: 'green', weaker: 'yellow', broken: 'red', unknown: 'yellow' } as const satisfies Record<
  Verdict,
  string
>;

export async function runCheck(name: string, options: CommonOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const report = await checkRepository(name, repositoryConfigOf(config, name));
  if (options.json) printJson('repository-check', report);
  else print(checkTable(report));
  for (const leftover of report.leftovers) {
    note(style('yellow', `Not removed; a later check will do it: ${leftover}`, process.stderr));
  }
  const broken = report.capabilities.filter(({ verdict }) => verdict === 'broken');
  if (broken.length === 0) return;
  note(style('red', `${name} does not do what its configuration promises.`, process.stderr));
  process.exitCode = EXIT.damaged;
}

export function checkTable({ capabilities }: CheckReport, stream: NodeJS.WriteStream = process.stdout): string {
  const rows = capabilities.map(({ capability, found, verdict, promise }) => [
    capability,
    style(COLOURS[verdict], verdict, stream),
    found,
    promise,
  ]);
  return renderTable(['capability', '', 'found', 'what you can rely on'], rows);
}
