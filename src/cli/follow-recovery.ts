import type { RecoveryReport } from '../contract/recovery';
import { progressLine } from '../contract/voice/one-line';
import { type RecoveryHandle, recoveryProgress, recoveryView, resultOf } from '../temporal/runs';
import { follow } from './follow';
import { reportDocument } from './notices';
import { print, printJson } from './output';
import { EXIT } from './program';
import { renderRecovery, renderReport } from './recovery-view';

/** Follows a recovery to its end and prints the report. */
export async function followRecovery(handle: RecoveryHandle, json: boolean): Promise<void> {
  const report = await follow<RecoveryReport>({
    result: resultOf(handle),
    inspect: async () => {
      const { progress, pending } = await recoveryView(handle);
      return renderRecovery(progress, Date.now(), pending);
    },
    line: async () => progressLine(await recoveryProgress(handle), Date.now()),
  });
  if (json) printJson('recovery-report', reportDocument(report));
  else print(`\n${renderReport(report)}`);
  if (report.status !== 'completed' && report.status !== 'planned') process.exitCode = EXIT.failed;
}
