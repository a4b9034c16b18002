import { methodOf } from '../contract/method';
import { printable } from '../contract/printable';
import { describeDrill } from '../contract/voice/drill-text';
import { describeContent } from '../contract/voice/content-text';
import { type BackupOptions, chooseCopies, loadChosen, reportTrouble } from './backups-listing';
import { noticesIn } from './notices';
import { note, print, printJson } from './output';
import { style } from '../terminal';

export async function runShow(generation: string, options: BackupOptions): Promise<void> {
  const { copies, unreadable, unanswered, warnings, marks } = await loadChosen(options, [generation]);
  const chosen = chooseCopies(copies, generation, options.cluster);
  const { manifest, manifestSha256 } = chosen[0]!;
  const drills = marks.drills.get(manifestSha256)?.all ?? [];
  const what = describeContent(manifest);
  if (options.json)
    printJson('backups-show', {
      method: methodOf(manifest),
      manifest,
      copies: chosen.map((item) => item.repository),
      drills,
      notices: noticesIn(manifest.warnings),
    });
  else {
    print(JSON.stringify(manifest, null, 2));
    if (what !== null) note(printable(`A ${what}.`));
    for (const warning of manifest.warnings) note(style('yellow', printable(warning), process.stderr));
    note(drills.length === 0 ? 'Never drilled.' : `Drilled: ${describeDrill(drills[0]!)}`);
    note(`Listed in: ${chosen.map((item) => item.repository).join(', ')}`);
  }
  reportTrouble({ unreadable, unanswered, warnings });
}
