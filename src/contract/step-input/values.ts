import { z } from 'zod';
import { GENERATION_PATTERN } from '../generation';
import { HASH_PATTERN, NAME_PATTERN, RUN_PATTERN } from '../names';

const DAY_MS = 86_400_000;

/** Of a cluster, a node or a repository. */
export const name = z.string().regex(NAME_PATTERN, 'must be lower-case letters, digits and hyphens');
export const run = z.string().regex(RUN_PATTERN, 'must be the id of a run');
export const generation = z.string().regex(GENERATION_PATTERN, 'must be the id of a generation');
export const sha256 = z.string().regex(HASH_PATTERN, 'must be 64 hexadecimal digits');

/** Safe as a file name: no directories, not hidden. */
export const fileName = z
  .string()
  .max(200)
  .regex(/^[a-z0-9]+([.-][a-z0-9]+)*$/, 'must be a file name');
/** As named by `collectConfig`. */
export const BUNDLE_PATTERN = /^config-[a-z0-9-]+\.tar\.gz\.(age|gpg)$/;

export const absolutePath = z.string().max(4_096).startsWith('/', 'must be an absolute path');
/** A KV path as in the API. */
export const kvPath = z
  .string()
  .max(1_000)
  .regex(/^[^/\s.?#][^/\s?#]*(\/(?!\.{1,2}(\/|$))[^/\s?#]+)+$/, 'must be a path such as secret/data/vault-dr-canary');

/** A few words: a version, an address, a name. */
export const short = z.string().max(4_000);
/** For people: a message, an error, a log line. */
export const text = z.string().max(200_000);
export const texts = z.array(text).max(10_000);

export const count = z.int().nonnegative();
/** Seconds, minutes, days. */
export const span = z.number().nonnegative();
export const flag = z.boolean();

/** RFC 3339, past or future: a clock may have been wrong when it was recorded. */
export const time = z.iso.datetime({ offset: true, error: 'must be a time such as 2026-11-23T04:00:00Z' });
/** The same, and not in the future: such a time would sort before everything that comes after it. */
export const pastTime = time.refine((value) => Date.parse(value) <= clock() + DAY_MS, { error: 'lies in the future' });

let clock: () => number = Date.now;

/** Checks in `parse` use this time (milliseconds since the epoch): a host's clock may be days off. */
export function asOf<T>(now: number, parse: () => T): T {
  clock = () => now;
  try {
    return parse();
  } finally {
    clock = Date.now;
  }
}

/** A schema for each field of an interface. */
export type Fields<T> = { [K in keyof T]-?: z.ZodType<T[K]> };

/**
 * An object with exactly the fields of an interface: the compiler requires all of them, and at run time there can be no
 * others.
 */
export function strict<T extends object>(fields: Fields<T>): z.ZodType<T> {
  // The type that zod infers for a mapped type is useless.
  return z.strictObject(fields) as unknown as z.ZodType<T>;
}

/** One of a union of words; as keys, so that the compiler requires all of them. */
export function oneOf<T extends string>(words: Record<T, true>): z.ZodType<T> {
  return z.enum(Object.keys(words) as [T, ...T[]]) as unknown as z.ZodType<T>;
}

export function listOf<T>(item: z.ZodType<T>, most = 1_000): z.ZodType<T[]> {
  return z.array(item).max(most);
}

/** Counts by names from a Vault, which can be anything. */
export function byKey<T>(value: z.ZodType<T>): z.ZodType<Record<string, T>> {
  return z.record(short, value);
}

/** For steps without input. */
export const NOTHING = z.undefined({ error: 'takes no input' });
