import { realpathSync } from 'node:fs';
import { isDrError } from '../../contract/failures';
import type { Validity } from '../../contract/host';
import { readPlainFile } from '../../files/plain-file';
import { certificatesIn } from './certificate';

/** A system's list of authorities is about 250 KB. */
const MAX_BYTES = 4 * 1024 ** 2;

/**
 * Of the certificates in a file. Of a chain, the one that ends first counts; of authorities, the one that ends last,
 * because a list of them holds some that have ended.
 * @param setting that names the file; one of authorities has `ca` in its name
 */
export function certificateValidity(setting: string, path: string): Validity {
  const what = `${setting} ${path}`;
  try {
    // Links are usual there, and are the administrator's.
    const text = readPlainFile(realpathSync(path), { maxBytes: MAX_BYTES }) ?? '';
    return validityOf(what, text, { ofAuthorities: isOfAuthorities(setting) });
  } catch (error) {
    return unknown(what, isDrError(error) ? error.message : ((error as NodeJS.ErrnoException).code ?? 'unreadable'));
  }
}

/** The same of a text. */
export function validityOf(what: string, pem: string, { ofAuthorities }: { ofAuthorities: boolean }): Validity {
  const spans = certificatesIn(pem)
    .map(({ validFrom, validTo }) => ({ from: Date.parse(validFrom), until: Date.parse(validTo) }))
    .sort((one, other) => one.until - other.until);
  const counts = ofAuthorities ? spans.at(-1) : spans[0];
  if (counts === undefined) return unknown(what, 'it holds no certificate');
  return {
    what,
    from: new Date(counts.from).toISOString(),
    until: new Date(counts.until).toISOString(),
    problem: null,
  };
}

function unknown(what: string, problem: string): Validity {
  return { what, from: null, until: null, problem };
}

function isOfAuthorities(setting: string): boolean {
  return /(^|_)ca(_|$)|^caFile$/.test(setting.split('.').at(-1) ?? '');
}
