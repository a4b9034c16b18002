import { printable } from '../printable';
import type { RecoveryProgress, ShareProgress } from '../recovery';
import { type CommandText, statusCommand } from './commands';
import { subjectOf, titleOf } from './plan-text';
import { describeRun, type Reason } from './run-text';
import { notice } from '../notice';

/** Of a run that may well continue, while it does not answer. */
export const NO_ANSWER = notice(
  'controller-silent',
  'Temporal or the controller does not answer just now. The run is safe in Temporal and continues when they are back.',
);

/** For logs: the state of a run, and what it waits for. */
export function progressLine(progress: RecoveryProgress, now: number): string {
  const { headline, nodes, why, commands } = describeRun(progress, now);
  const states = nodes.map(({ name, state }) => `${name} ${state}`).join(', ');
  const state = states === '' ? headline.text : `${headline.text}; ${states}`;
  if (why.length === 0 && commands.length === 0) return printable(state);
  return printable(`${state}. ${whatNext(why, commands)}`);
}

/** For a notification: its reader may see nothing else. */
export function nextStep(progress: RecoveryProgress): string {
  const { title, headline, why, commands } = describeRun(progress, null);
  const details = { label: 'Details:', vaultDr: statusCommand(progress.cluster) };
  return printable(`${title}: ${headline.text}. ${whatNext(why, [...commands, details])}`);
}

/** For a key holder who is about to send a share. */
export function sharesReceived(progress: RecoveryProgress, { accepted, required }: ShareProgress): string {
  return `${titleOf(progress)}: ${accepted.length} of ${required} shares received.`;
}

export function noSharesTaken(progress: RecoveryProgress): { problem: string; advice: string } {
  return {
    problem: `${subjectOf(progress)} does not accept shares now.`,
    advice: `See what it waits for: ${statusCommand(progress.cluster)}`,
  };
}

/** No full stop after a command: it would be copied along. */
function whatNext(why: Reason[], commands: Pick<CommandText, 'label' | 'vaultDr'>[]): string {
  const reasons = why.map(
    ({ where, problem, advice }) =>
      `${where === null ? '' : `${where}: `}${problem}${advice === null ? '' : ` ${advice}`}`,
  );
  const list = commands.map(({ label, vaultDr }, index) => `${index === 0 ? label : decapitalised(label)} ${vaultDr}`);
  return [...reasons, list.join('; ')].join(' ').trimEnd();
}

function decapitalised(text: string): string {
  return `${text.charAt(0).toLowerCase()}${text.slice(1)}`;
}
