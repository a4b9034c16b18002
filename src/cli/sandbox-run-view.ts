import type { DrillProgress } from '../contract/drill';
import { printable } from '../contract/printable';
import type { RollCallProgress } from '../contract/roll-call';
import { describeSandboxRun, sandboxLine, type SandboxRunText } from '../contract/voice/sandbox-run-text';
import { pendingSteps } from '../temporal/pending-steps';
import { style } from '../terminal';

type Progress = DrillProgress | RollCallProgress;
type Description = Parameters<typeof pendingSteps>[0] & { status: { name: string } };

/** How far a run in a sandbox is, and what it waits for. */
export function renderSandboxRun(
  { headline, facts, commands, refused, warnings }: SandboxRunText,
  description: Description,
): string {
  const pending = pendingSteps(description).flatMap(({ step, failure }) =>
    failure === null ? [] : [`${step} is tried again: ${failure.problem}`],
  );
  return [
    `${printable(headline)} ${style('dim', `(${description.status.name.toLowerCase()})`)}`,
    ...facts.map((text) => `  ${printable(text)}`),
    ...commands.map(({ label, vaultDr }) => `  ${label} ${vaultDr}`),
    ...refused.map((text) => style('yellow', `  refused: ${printable(text)}`)),
    ...[...pending, ...warnings].map((text) => style('yellow', `! ${printable(text)}`)),
  ].join('\n');
}

/** The same in one line. */
export function sandboxRunLine(progress: Progress): string {
  const next = describeSandboxRun(progress).commands.map(({ label, vaultDr }) => `. ${label} ${vaultDr}`);
  return printable(`${sandboxLine(progress)}${next.join('')}`);
}
