import type { Entry } from './entry';
import { ERRORS, type ErrorCode } from './errors';
import { NOTICES, type NoticeCode } from './notices';
import { type FindingCode, REFUSALS } from './refusals';
import { SETUP, type SetupCode } from './setup';
import { ACCEPTABLE } from '../contract/plan';

export type { Entry } from './entry';

/** Every code that a message may carry. */
export type MessageCode = ErrorCode | FindingCode | NoticeCode | SetupCode;

/** An entry with what follows from its place. */
export interface CatalogueEntry extends Entry {
  code: string;
  /** It can be overridden: `--accept CODE`. */
  acceptable: boolean;
}

export interface Family {
  title: string;
  /** What its codes are printed with. */
  about: string;
  entries: readonly CatalogueEntry[];
}

/** In the order in which the page and `vault-dr explain` list them. */
export const FAMILIES: readonly Family[] = [
  {
    title: 'Refused plans',
    about:
      'A refused plan has changed nothing. Fix what it lists and start again. A refusal that can be overridden says so: ' +
      'repeat the command with `--accept CODE`, once for each code. The override becomes part of the plan, of its hash and of the audit trail.',
    entries: entriesOf(REFUSALS),
  },
  {
    title: 'Parked runs and warnings',
    about:
      'A step that cannot continue parks the run: nothing is lost, and it waits for a decision. `vault-dr status` shows the reason and the commands. These codes stand in brackets at the end of the message.',
    entries: entriesOf(NOTICES),
  },
  {
    title: 'Findings of vault-dr doctor',
    about:
      'What a host lacks. Each finding comes with the command that fixes it, where there is one. `vault-dr doctor` changes nothing by itself.',
    entries: entriesOf(SETUP),
  },
  {
    title: 'Errors',
    about: 'The code of a failed command or step. The message itself says what happened, where, and what to do.',
    entries: entriesOf(ERRORS),
  },
];

/** @param code as printed; case doesn't matter */
export function entryOf(code: string): CatalogueEntry | null {
  const wanted = code.toLowerCase();
  return FAMILIES.flatMap(({ entries }) => entries).find((entry) => entry.code.toLowerCase() === wanted) ?? null;
}

/** The code of the notice in a message, where `notice` has put one. */
export function noticeIn(message: string): NoticeCode | null {
  const codes = [...message.matchAll(/\[([a-z][a-z-]*)\]/g)].map(([, code = '']) => code);
  return (codes.find((code) => Object.hasOwn(NOTICES, code)) as NoticeCode | undefined) ?? null;
}

/** Every code in a message: of a notice, or of a reason against a plan, with how to override it or without. */
export function codesIn(message: string): (NoticeCode | FindingCode)[] {
  const codes = [...message.matchAll(/\[([a-z][a-z-]*)(?:, override with --accept [a-z-]+)?\]/g)].map(
    ([, code = '']) => code,
  );
  const known = codes.filter((code) => Object.hasOwn(NOTICES, code) || Object.hasOwn(REFUSALS, code));
  return [...new Set(known)] as (NoticeCode | FindingCode)[];
}

/** Where the documentation explains a code. */
export function linkTo(code: MessageCode): string {
  return `docs/messages.md#${code.toLowerCase()}`;
}

function entriesOf(entries: Record<string, Entry>): CatalogueEntry[] {
  return Object.entries(entries).map(([code, entry]) => ({ code, ...entry, acceptable: code in ACCEPTABLE }));
}
