import type { DrillProgress, DrillStep, SandboxProgress } from '../drill';
import { formatTime } from '../format';
import { printable } from '../printable';
import type { RollCallProgress, RollCallStep } from '../roll-call';
import { shellWord } from '../shell-word';
import { type CommandText, sandboxShareCommand } from './commands';

const STEPS: Record<DrillStep | RollCallStep, string> = {
  choose: 'choosing the backup',
  prepare: 'finding a sandbox host',
  shares: 'waiting for key holders',
  rehearse: 'loading the backup in the sandbox',
  try: 'trying the shares in the sandbox',
  record: 'recording the result',
};

/** Everything to say about a run in a sandbox that is under way, as plain text: renderers lay it out and escape it. */
export interface SandboxRunText {
  headline: string;
  facts: string[];
  commands: CommandText[];
  refused: string[];
  warnings: string[];
}

export function describeSandboxRun(progress: DrillProgress | RollCallProgress): SandboxRunText {
  const { generation, host, shares, sharesUntil, step, warnings } = progress;
  const waits = step === 'shares';
  return {
    headline: sandboxLine(progress),
    facts: [
      ...(generation === null ? [] : [`backup ${generation}`]),
      ...(host === null ? [] : [`sandbox host ${host}`]),
      ...(shares?.accepted ?? []).map(({ holder, at }) => `share of ${holder}, ${formatTime(at)}`),
      ...(shares?.problem ? [shares.problem] : []),
      ...(waits && sharesUntil !== null ? [`Shares are taken until ${formatTime(sharesUntil)}.`] : []),
    ],
    commands: waits ? [sandboxShareCommand(progress)] : [],
    refused: (shares?.refused ?? []).map(({ holder, reason }) => `${holder}: ${reason}`),
    warnings,
  };
}

/** One line for logs. */
export function sandboxLine(progress: DrillProgress | RollCallProgress): string {
  const { cluster, step, shares } = progress;
  const count = step === 'shares' && shares ? ` (${shares.accepted.length} of ${shares.required})` : '';
  return `${nameOf(progress)} of ${cluster}: ${STEPS[step]}${count}`;
}

/** For a notification: its reader may see nothing else. */
export function sharesWanted(progress: SandboxProgress): string {
  const { cluster, shares, sharesUntil, requestedBy } = progress;
  const needed = shares === null ? 'Shares are' : `${shares.required} shares are`;
  const until = sharesUntil === null ? '' : ` until ${formatTime(sharesUntil)}`;
  const { label, vaultDr } = sandboxShareCommand(progress);
  return printable(
    `${nameOf(progress)} of ${cluster}, requested by ${requestedBy}: ${needed} wanted${until}. Nothing but a sandbox is unsealed. ${label} ${vaultDr}`,
  );
}

const NAMES = { drill: 'Drill', 'roll-call': 'Roll-call', recover: 'Single secrets' } as const;

function nameOf({ kind }: Pick<SandboxProgress, 'kind'>): string {
  return NAMES[kind ?? 'drill'];
}

/** For a key holder who is about to send a share. */
export function sandboxSharesReceived(progress: SandboxProgress): string {
  const { cluster, host, shares } = progress;
  return printable(
    `${nameOf(progress)} of ${cluster} on ${host ?? '?'}: ${shares?.accepted.length ?? 0} of ${shares?.required ?? '?'} shares received.`,
  );
}

export function drillFailed({ cluster, generation }: DrillProgress, problem: string): string {
  const what = generation === null ? '' : ` with ${generation}`;
  return printable(
    `The drill of ${cluster}${what} did not prove what it should: ${problem} See: vault-dr backups list --cluster ${shellWord(cluster)}`,
  );
}

/** Why a drill is no more than `installed`. */
export function tooFewShares({ shares }: Pick<SandboxProgress, 'shares'>): string {
  const came = shares?.accepted.length ?? 0;
  const needed = shares?.required ?? 0;
  if (came >= needed) return 'In time only shares came that do not open the backup, so it was not unsealed.';
  return `Only ${came} of ${needed} shares came in time, so the backup was not unsealed.`;
}
