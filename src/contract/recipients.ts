import { DrError } from './failures';
import { NAME_PATTERN, RUN_PATTERN } from './names';
import { printable } from './printable';
import { recipientStatement, type RunRecipient } from './recovery';

/** What shares of a run are encrypted to, and what that run is. */
export interface RecipientList {
  cluster: string;
  run: string;
  purpose: SharePurpose;
  recipients: RunRecipient[];
}

export const SHARE_PURPOSES = ['restore', 'drill', 'roll-call', 'recover'] as const;
/** `restore` is any run that changes nodes; the others unseal nothing but a sandbox. */
export type SharePurpose = (typeof SHARE_PURPOSES)[number];

/** Whether a signature of the agent with this public key is one of this text. */
export type Holds = (publicKey: string, statement: string, signature: string) => boolean;

export const AGENT_KEY = { setting: 'agentPublicKey', command: 'vault-dr agent-key' };
export const SANDBOX_KEY = { setting: 'publicKey in sandboxHosts', command: 'vault-dr sandbox-key' };

/**
 * Checks that the recipients are signed by the configured agents: otherwise whoever can write to Temporal could insert one
 * and read the shares.
 * @throws DrError RecipientNotAuthentic that names each invalid one.
 */
export function expectSigned(
  recipients: readonly RunRecipient[],
  run: { cluster: string; run: string },
  keyOf: (node: string) => string | undefined,
  holds: Holds,
  { setting, command } = AGENT_KEY,
): void {
  const problems = recipients.flatMap(({ node, recipient, signature }) => {
    const key = keyOf(node);
    if (key === undefined) return [`${node}: the configuration has no ${setting} for it`];
    const statement = recipientStatement(run.cluster, node, run.run, recipient);
    return holds(key, statement, signature) ? [] : [`${node}: the recipient ${recipient} is not signed by its agent`];
  });
  if (problems.length === 0) return;
  throw new DrError(
    'RecipientNotAuthentic',
    `The run's recipients can't be trusted:\n${problems.map((text) => `  - ${text}`).join('\n')}`,
    {
      advice: `Nothing was sent. Compare ${setting} with \`${command}\` on that host; if they are equal, the run has been tampered with: involve your security team.`,
    },
  );
}

const BEGIN = '-----BEGIN VAULT-DR RECIPIENTS-----';
const END = '-----END VAULT-DR RECIPIENTS-----';

/** For a chat or a mail: nothing in it is secret. Blanks and line ends may change on the way. */
export function recipientsText({ cluster, run, purpose, recipients }: RecipientList): string {
  const lines = recipients.map(({ node, recipient, signature }) => `${node} ${recipient}\n${signature}`);
  return [BEGIN, `cluster ${cluster}`, `run ${run}`, `for ${purpose}`, ...lines, END].join('\n');
}

const LONGEST_TEXT = 4 * 1024 * 1024;
const MOST_RECIPIENTS = 100;
/** X25519, as agents make them. */
const RECIPIENT_PATTERN = /^age1[02-9ac-hj-np-z]{58}$/;
const SIGNATURE_PATTERN = /^[A-Za-z0-9+/]{86}==$/;

/**
 * Reads what `vault-dr unseal --recipients`, `vault-dr status --json`, the query of the `temporal` CLI or that of the Web
 * UI give. Its signatures are not checked here.
 * @throws DrError InvalidInput
 */
export function parseRecipients(text: string): RecipientList {
  if (text.length > LONGEST_TEXT) throw unreadable('It is too long.');
  const at = text.lastIndexOf(BEGIN);
  return checkedList(at < 0 ? fromJson(text) : fromLines(text.slice(at + BEGIN.length)));
}

function fromLines(text: string): unknown {
  const end = text.indexOf(END);
  if (end < 0) throw unreadable('Its end is missing.');
  const words = text.slice(0, end).trim().split(/\s+/);
  const [labelOfCluster, cluster, labelOfRun, run, labelOfPurpose, purpose, ...rest] = words;
  if (labelOfCluster !== 'cluster' || labelOfRun !== 'run' || labelOfPurpose !== 'for' || rest.length % 3 !== 0) {
    throw unreadable('A part of it is missing.');
  }
  const recipients = rest.flatMap((node, index) =>
    index % 3 === 0 ? [{ node, recipient: rest[index + 1], signature: rest[index + 2] }] : [],
  );
  return { cluster, run, purpose, recipients };
}

function fromJson(text: string): unknown {
  const document = progressIn(parsed(text));
  if (!isRecord(document)) throw unreadable('It is neither the recipients of a run nor the progress of one.');
  const { cluster, run, recipients, method, kind } = document;
  const purpose = method === undefined ? (kind ?? 'drill') : 'restore';
  return { cluster, run, purpose, recipients };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unreadable('It is neither the recipients of a run nor whole JSON.');
  }
}

/** The `temporal` CLI puts it in `queryResult`, the Web UI in a list. */
function progressIn(document: unknown): unknown {
  const inside = isRecord(document) && 'queryResult' in document ? document['queryResult'] : document;
  return Array.isArray(inside) ? inside[0] : inside;
}

/** @throws DrError InvalidInput for anything that no run has */
function checkedList(given: unknown): RecipientList {
  const { cluster, run, purpose, recipients } = given as Record<string, unknown>;
  if (!isText(cluster, NAME_PATTERN)) throw unreadable(`${shown(cluster)} is not the name of a cluster.`);
  if (!isText(run, RUN_PATTERN)) throw unreadable(`${shown(run)} is not the id of a run.`);
  const known = SHARE_PURPOSES.find((one) => one === purpose);
  if (known === undefined) throw unreadable(`${shown(purpose)} is not a kind of run.`);
  if (!Array.isArray(recipients) || recipients.length > MOST_RECIPIENTS) throw unreadable('It has no recipients.');
  if (recipients.length === 0) {
    throw new DrError('NoSuchRun', `The run ${run} of ${cluster} does not accept shares now.`, {
      advice: 'Ask the person who called you for the recipients once the run waits for shares.',
    });
  }
  return { cluster, run, purpose: known, recipients: recipients.map(checkedRecipient) };
}

function checkedRecipient(given: unknown): RunRecipient {
  const { node, recipient, signature } = isRecord(given) ? given : {};
  if (!isText(node, NAME_PATTERN)) throw unreadable(`${shown(node)} is not the name of a node.`);
  if (!isText(recipient, RECIPIENT_PATTERN)) throw unreadable(`${node}: ${shown(recipient)} is not an age recipient.`);
  if (!isText(signature, SIGNATURE_PATTERN)) throw unreadable(`${node}: ${shown(signature)} is not a signature.`);
  return { node, recipient, signature };
}

function isText(value: unknown, pattern: RegExp): value is string {
  return typeof value === 'string' && pattern.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${printable(value.slice(0, 80))}'` : 'What it names';
}

function unreadable(why: string): DrError {
  return new DrError('InvalidInput', `These are not the recipients of a run: ${why}`, {
    advice:
      'Nothing was sent. Paste the whole output of `vault-dr unseal --recipients`, or of `vault-dr status --json`.',
  });
}
