import { methodOf } from '../contract/method';
import { printable } from '../contract/printable';
import { describeContent } from '../contract/voice/content-text';
import { type BackupOptions, chooseCopies, loadChosen, reportTrouble } from './backups-listing';
import { noticesIn } from './notices';
import { note, print, printJson } from './output';
import { style } from '../terminal';

export async function runShow(generation: string, options: BackupOptions): Promise<void> {
  const { copies, unreadable, unanswered, warnings } = await loadChosen(options, [generation]);
  const chosen = chooseCopies(copies, generation, options.cluster);
  const { manifest } = chosen[0]!;
  const what = describeContent(manifest);
  if (options.json)
    printJson('backups-show', {
      method: methodOf(manifest),
      manifest,
      copies: chosen.map((item) => item.repository),
      notices: noticesIn(manifest.warnings),
    });
  else {
    print(JSON.stringify(manifest, null, 2));
    if (what !== null) note(printable(`A ${what}.`));
    for (const warning of manifest.warnings) note(style('yellow', printable(warning), process.stderr));
    note(`Listed in: ${chosen.map((item) => item.repository).join(', ')}`);
  }
  reportTrouble({ unreadable, unanswered, warnings });
}
