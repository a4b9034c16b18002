// What runs when a package comes and goes. It enables, starts and restarts nothing: a run may be in progress.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../scripts/sources.mjs';

const FILES = join(ROOT, 'packaging/files');

/**
 * @param kind `deb` or `rpm`: what each of their arguments means
 * @returns text by the name that Debian has for the script
 */
export function scripts(kind) {
  const part = (name) => readFileSync(join(FILES, `${name}.sh`), 'utf8');
  const format = readFileSync(join(FILES, 'state-format'), 'utf8').trim();
  return Object.fromEntries(
    ['preinst', 'postinst', 'prerm', 'postrm'].map((name) => [
      name,
      part(name).replaceAll('@STATE_FORMAT@', format).replaceAll('@UPGRADE@', UPGRADES[kind][name]),
    ]),
  );
}

/** Whether the script runs because another version comes in place of this one, in the shell's words. */
const UPGRADES = {
  deb: {
    preinst: '[ "$1" = upgrade ]',
    postinst: '[ "$1" = configure ] && [ -n "${2:-}" ]',
    prerm: '[ "$1" != remove ]',
    postrm: '[ "$1" != remove ]',
  },
  rpm: { preinst: '[ "$1" -gt 1 ]', postinst: '[ "$1" -gt 1 ]', prerm: '[ "$1" -gt 0 ]', postrm: '[ "$1" -gt 0 ]' },
};
