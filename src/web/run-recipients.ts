import { DrError } from '../contract/failures';
import { formatSeconds, formatTime } from '../contract/format';
import { printable } from '../contract/printable';
import {
  AGENT_KEY,
  expectSigned,
  type Holds,
  parseRecipients,
  type RecipientList,
  SANDBOX_KEY,
} from '../contract/recipients';
import { findsShareInClear } from '../contract/share';
import type { HolderPageData, PageKey } from './holder-data';

/** Of the end of a run's id: the beginning is a time, which runs of one minute share. */
const LEAST_CHARACTERS = 8;
/** A run may wait for weeks. */
const OLDEST_MS = 31 * 24 * 60 * 60 * 1000;

export interface CheckedRecipients {
  list: RecipientList;
  /** When the run was started, and how long ago; null if its id does not tell. */
  started: string | null;
  keys: PageKey[];
  /** Nodes that the page knows and the run does not name. */
  missing: string[];
}

/**
 * Everything that a page without a network can check: whose keys these are, of which cluster and of which run.
 * @param said what the holder has been given of the run's id, by another way than the recipients
 * @throws DrError that says why nothing may be encrypted to them
 */
export function checkRecipients(
  text: string,
  said: string,
  { cluster, nodes, sandboxHosts }: HolderPageData,
  holds: Holds,
  now: number,
): CheckedRecipients {
  const list = parsedRecipients(text);
  if (list.cluster !== cluster) {
    throw new DrError(
      'RecipientNotAuthentic',
      `These are recipients of ${list.cluster}. This page is for ${cluster}.`,
      {
        advice: `Nothing was sent. Ask for the recipients of ${cluster}, or use the page of the other cluster.`,
      },
    );
  }
  const [known, names] = list.purpose === 'restore' ? [nodes, AGENT_KEY] : [sandboxHosts, SANDBOX_KEY];
  const keyOf = (name: string) => known.find((key) => key.name === name);
  expectSigned(list.recipients, list, (name) => keyOf(name)?.publicKey, holds, names);
  expectRun(list.run, said);
  const startedAt = startOf(list.run);
  expectYoung(startedAt, now);
  return {
    list,
    started: startedAt === null ? null : `${formatTime(startedAt)}, ${ago(now - startedAt)}`,
    keys: list.recipients.flatMap(({ node }) => keyOf(node) ?? []),
    missing: list.purpose === 'restore' ? missingOf(nodes, list) : [],
  };
}

function parsedRecipients(text: string): RecipientList {
  try {
    return parseRecipients(text);
  } catch (error) {
    // Only of what is no list: lists have hashes, which look like shares.
    if (!findsShareInClear(text)) throw error;
    throw new DrError('InvalidInput', 'This looks like an unseal share in clear text. It belongs into step 2.', {
      advice: 'Nothing was sent. It has been removed from this field.',
    });
  }
}

/** Signatures of an earlier run are as good as those of this one. */
function expectRun(run: string, said: string): void {
  const end = said.trim().toLowerCase();
  if (end.length < LEAST_CHARACTERS) {
    throw new DrError('InvalidInput', `Enter the last ${LEAST_CHARACTERS} characters of the id of the run.`, {
      advice: 'Nothing was sent. Ask the person who called you, by another way than the recipients came.',
    });
  }
  if (run.endsWith(end)) return;
  throw new DrError(
    'RecipientNotAuthentic',
    `These recipients are of the run ${run}, not of the one that ends with ${printable(end.slice(0, 64))}.`,
    { advice: 'Nothing was sent. They may be of an earlier run: ask for those of the run that waits now.' },
  );
}

function expectYoung(startedAt: number | null, now: number): void {
  if (startedAt === null || now - startedAt <= OLDEST_MS) return;
  throw new DrError(
    'RecipientNotAuthentic',
    `These recipients are of a run that was started ${ago(now - startedAt)} (${formatTime(startedAt)}).`,
    {
      advice:
        'Nothing was sent. Compare the clock of this machine. If the run is that old and waits indeed, use `vault-dr unseal`, which asks the run itself.',
    },
  );
}

/** Temporal numbers runs by UUIDs of version 7, which begin with the time; agents sign them. */
export function startOf(run: string): number | null {
  const [, high, low] = /^([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.exec(run) ?? [];
  return high === undefined ? null : Number.parseInt(`${high}${low}`, 16);
}

/** Two clocks never agree. */
function ago(milliseconds: number): string {
  if (milliseconds < -60_000) return `${formatSeconds(-milliseconds / 1000)} from now by the clock of this machine`;
  return `${formatSeconds(Math.max(0, Math.round(milliseconds / 1000)))} ago`;
}

function missingOf(nodes: readonly PageKey[], { recipients }: RecipientList): string[] {
  return nodes.map(({ name }) => name).filter((name) => !recipients.some(({ node }) => node === name));
}
