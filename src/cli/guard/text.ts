import { type Serving } from '../../contract/guard';
import { formatTime } from '../../contract/format';
import { printable } from '../../contract/printable';
import { type CommandEnd } from '../../guard/outcome';
import { together } from '../../contract/voice/readiness-text';
import type { GuardFinding } from '../../guard/refusal';
import { unpinCommand, type WayBackLine, type WayBackTo } from '../../guard/way-back';
import { style } from '../../terminal';
import { note } from '../output';
import type { PinnedBackup } from './backup';

const err = process.stderr;

export function say(text: string): void {
  note(printable(text));
}

export function sayWell(text: string): void {
  note(style('green', printable(text), err));
}

export function sayBad(text: string): void {
  note(style('red', printable(text), err));
}

export function sayCaution(text: string): void {
  note(style('yellow', printable(text), err));
}

/** What stands in the way, each with what to do. */
export function sayRefused(checks: readonly GuardFinding[]): void {
  for (const { checks: named, verdict, seen, remedy } of together(checks)) {
    const isNo = verdict === 'no';
    (isNo ? sayBad : sayCaution)(`${isNo ? '✗' : '?'} ${named.join(', ')}: ${isNo ? '' : 'not checked: '}${seen}`);
    if (remedy !== null) say(`    ${remedy}`);
  }
  const [only] = checks.length === 1 ? checks : [];
  say(
    `To run it nevertheless, accept ${only ? `it: --accept ${only.check}` : 'each of them by its name: --accept CHECK'}`,
  );
}

export function sayBackup({ copy, verifiedIn, pinnedIn, warnings, earlierPins }: PinnedBackup): void {
  const { generation, manifest } = copy;
  sayWell(
    `Backup ${generation} of ${formatTime(manifest.capturedAt)}: read end to end in ${verifiedIn.join(', ')}, pinned in ${pinnedIn.join(', ')}.`,
  );
  for (const warning of warnings) sayCaution(`! ${warning}`);
  if (earlierPins === 0) return;
  say(
    `Pinned by earlier guards, and not let go: ${earlierPins}. See vault-dr backups list --cluster ${manifest.cluster} --all`,
  );
}

export function sayWayBack(heading: string, lines: readonly WayBackLine[]): void {
  say(heading);
  for (const { text, command } of lines) {
    say(`  ${text}`);
    if (command !== null) say(`    ${command}`);
  }
}

export function sayCommandEnd(program: string, { exitCode, signal }: CommandEnd): void {
  const how = exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `ended with ${exitCode}`;
  (exitCode === 0 ? sayWell : sayCaution)(`${program} ${how}.`);
}

export function sayGate({ gaps, state }: Serving, cluster: string): void {
  if (gaps.length > 0) {
    sayBad(`${cluster} does not serve as it did:`);
    for (const gap of gaps) sayBad(`  ✗ ${gap}`);
    return;
  }
  const versions = [...new Set(Object.values(state.versions))].join(', ') || 'an unknown version';
  const log = state.raftIndex === null ? '' : `, log at entry ${state.raftIndex}`;
  sayWell(`${cluster} serves as a whole: all nodes on ${versions}, ${state.leader ?? 'one'} leads${log}.`);
}

export function sayPinStays(to: WayBackTo): void {
  say('The pin has no end: the backup stays until you let it go, when you will not go back any more:');
  say(`  ${unpinCommand(to)}`);
}
