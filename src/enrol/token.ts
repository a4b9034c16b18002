import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { LONGEST_ENROLMENT_HOURS } from '../contract/enrolment';
import { DrError } from '../contract/failures';
import { NAME_PATTERN } from '../contract/names';

const PREFIX = 'vdr';
const SECRET_BYTES = 32;
const CHECK_BYTES = 4;

/** Whom a token is for. All of it goes into the keys, so nobody can change it. */
export interface Scope {
  cluster: string;
  node: string;
  /** Seconds since the epoch. */
  expires: number;
}

/** What both sides derive from a token. The token can't be computed from it. */
export interface EnrolmentKeys {
  /** Part of the workflow id. */
  id: string;
  /** Of the messages of each side, hexadecimal. */
  offer: string;
  answer: string;
}

/** @returns the token, to be shown once, and the keys to keep */
export function createToken(
  scope: Scope,
  secret: Buffer = randomBytes(SECRET_BYTES),
): { token: string; keys: EnrolmentKeys } {
  const head = [PREFIX, scope.cluster, scope.node, scope.expires.toString(36)].join('_');
  const tail = Buffer.concat([secret, checksum(head, secret)]).toString('base64url');
  return { token: `${head}_${tail}`, keys: keysOf(scope, secret) };
}

/** @throws DrError InvalidInput; the message never repeats what was typed. */
export function readToken(text: string): Scope & { keys: EnrolmentKeys } {
  const [, cluster = '', node = '', stamp = '', tail = ''] =
    /^vdr_([^_]{1,63})_([^_]{1,63})_([0-9a-z]{1,10})_([A-Za-z0-9_-]{48})$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(tail, 'base64url');
  const secret = bytes.subarray(0, SECRET_BYTES);
  const head = [PREFIX, cluster, node, stamp].join('_');
  const isWhole =
    [cluster, node].every((name) => NAME_PATTERN.test(name)) && bytes.length === SECRET_BYTES + CHECK_BYTES;
  if (!isWhole || !bytes.subarray(SECRET_BYTES).equals(checksum(head, secret))) {
    throw new DrError('InvalidInput', 'This is not an enrolment token, or a character of it is wrong.', {
      advice: 'Nothing was sent. Copy the whole line that `vault-dr enrol invite` printed.',
    });
  }
  const scope = { cluster, node, expires: parseInt(stamp, 36) };
  return { ...scope, keys: keysOf(scope, secret) };
}

/** Seconds since the epoch. @param minutes from now */
export function expiryIn(minutes: number, now = Date.now()): number {
  return Math.floor(now / 1000) + Math.min(minutes, LONGEST_ENROLMENT_HOURS * 60) * 60;
}

function keysOf({ cluster, node, expires }: Scope, secret: Buffer): EnrolmentKeys {
  const derive = (purpose: string) => {
    const about = `vault-dr enrolment ${purpose}\n${cluster}\n${node}\n${expires}`;
    return Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), about, 32)).toString('hex');
  };
  return { id: derive('id').slice(0, 32), offer: derive('offer'), answer: derive('answer') };
}

/** Against typing errors; no protection. */
function checksum(head: string, secret: Buffer): Buffer {
  return createHash('sha256').update(head).update(secret).digest().subarray(0, CHECK_BYTES);
}
