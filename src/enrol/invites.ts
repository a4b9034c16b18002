import { closeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { DrError } from '../contract/failures';
import { formatTime } from '../contract/format';
import { NAME_PATTERN } from '../contract/names';
import { writeFileAtomically } from '../files/atomic-file';
import { lockOwnFile } from '../files/file-lock';
import { entriesIfThere, privateDirectory } from '../files/files';
import { readOwnFile } from '../files/own-files';
import { createToken, expiryIn } from './token';

const hex = z.string().regex(/^[0-9a-f]{64}$/);

/** What the controller's host keeps of a token: keys derived from it, never itself. */
const inviteFile = z.strictObject({
  cluster: z.string().regex(NAME_PATTERN),
  node: z.string().regex(NAME_PATTERN),
  /** Seconds since the epoch. */
  expires: z.int(),
  keys: z.strictObject({ id: z.string().regex(/^[0-9a-f]{32}$/), offer: hex, answer: hex }),
  /** SHA-256 of the one offer that it was used for, noted before anything is written. */
  used: z.strictObject({ offer: hex, at: z.iso.datetime() }).nullable(),
});
export type Invite = z.infer<typeof inviteFile>;

/** Kept for a repeated `confirm` after a crash. */
const KEPT_SECONDS = 24 * 3600;

/** One invite for each node, beside the configuration: who may write the one may write the other. */
export class Invites {
  readonly #directory: string;

  constructor(configFile: string) {
    this.#directory = join(dirname(configFile), 'enrolment');
  }

  /** Replaces an earlier one of the node, whose token is worthless from then on. @returns the token */
  async create(cluster: string, node: string, minutes: number): Promise<{ token: string; invite: Invite }> {
    const scope = { cluster, node, expires: expiryIn(minutes) };
    const { token, keys } = createToken(scope);
    const invite: Invite = { ...scope, keys, used: null };
    await this.alone(() => this.#write(invite));
    return { token, invite };
  }

  /** Those that can still lead to something; others are removed. */
  async list(now = Date.now()): Promise<Invite[]> {
    const names = (await entriesIfThere(this.#directory))
      .map(({ name }) => name)
      .filter((name) => name.endsWith('.json'));
    const found: Invite[] = [];
    for (const name of names.toSorted()) {
      const invite = this.#read(name);
      if (invite === null) continue;
      if (now / 1000 > invite.expires + KEPT_SECONDS) await rm(join(this.#directory, name), { force: true });
      else found.push(invite);
    }
    return found;
  }

  /** @throws DrError NoSuchRun */
  get(cluster: string, node: string): Invite {
    const invite = this.#read(fileName(cluster, node));
    if (invite !== null) return invite;
    throw new DrError('NoSuchRun', `Nobody has invited ${node} of ${cluster} from this host.`, {
      where: node,
      advice: `Create a token: vault-dr enrol invite --cluster ${cluster} --node ${node}`,
    });
  }

  /**
   * Binds a token to one offer, for ever. Repeatable for the same one.
   * @throws DrError NotApproved when it has expired, or was used for another one
   */
  async use(invite: Invite, offer: string, now = Date.now()): Promise<void> {
    // Read again: it may have been replaced while a person compared fingerprints.
    const current = this.get(invite.cluster, invite.node);
    const problem = problemOfUse(current, invite, offer, now);
    if (problem !== null) throw refused(invite, problem);
    if (current.used === null) await this.#write({ ...current, used: { offer, at: new Date(now).toISOString() } });
  }

  /** @throws DrError AlreadyRunning when somebody else is at it on this host */
  async alone<T>(work: () => Promise<T>): Promise<T> {
    await privateDirectory(this.#directory);
    const lock = await lockOwnFile(join(this.#directory, 'lock'), 'vault-dr enrol');
    if (lock === null) {
      throw new DrError('AlreadyRunning', 'Another `vault-dr enrol` is writing on this host. Nothing was changed.', {
        advice: 'Repeat it when the other one has ended.',
      });
    }
    try {
      return await work();
    } finally {
      closeSync(lock);
    }
  }

  #read(name: string): Invite | null {
    const text = readOwnFile(join(this.#directory, name), { secret: true });
    if (text === null) return null;
    try {
      return inviteFile.parse(JSON.parse(text));
    } catch (cause) {
      throw new DrError('InvalidConfiguration', `${join(this.#directory, name)} is not readable as an invitation.`, {
        advice: `Delete it, and create a new token with \`vault-dr enrol invite\`.`,
        cause,
      });
    }
  }

  async #write(invite: Invite): Promise<void> {
    await writeFileAtomically(
      join(this.#directory, fileName(invite.cluster, invite.node)),
      `${JSON.stringify(invite)}\n`,
    );
  }
}

/** Why a token can't be used for an offer; null when it can. */
export function problemOfUse(current: Invite, seen: Invite, offer: string, now: number): string | null {
  if (current.keys.id !== seen.keys.id) return 'a newer token has replaced it meanwhile';
  if (current.used !== null) {
    return current.used.offer === offer ? null : `the token was already used, on ${formatTime(current.used.at)}`;
  }
  return now / 1000 > current.expires ? `the token expired on ${formatTime(current.expires * 1000)}` : null;
}

function refused({ cluster, node }: Invite, problem: string): DrError {
  return new DrError('NotApproved', `${node} of ${cluster} was not enrolled: ${problem}.`, {
    where: node,
    advice: `Nothing was changed. Create a new token: vault-dr enrol invite --cluster ${cluster} --node ${node}`,
  });
}

function fileName(cluster: string, node: string): string {
  return `${cluster}.${node}.json`;
}
