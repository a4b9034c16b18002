import type { ReadinessFinding } from '../contract/readiness';

export function yes(seen: string): ReadinessFinding {
  return { verdict: 'yes', seen, remedy: null };
}

export function no(seen: string, remedy: string): ReadinessFinding {
  return { verdict: 'no', seen, remedy };
}

export function unchecked(seen: string, remedy: string): ReadinessFinding {
  return { verdict: 'unchecked', seen, remedy };
}

/** Of several reasons, each as the others, in one sentence. */
export function listed(reasons: readonly string[]): string {
  return [...new Set(reasons)].join('; ');
}

/** For what can only be asked of a backup; another check says that there is none. */
export function noBackup(): ReadinessFinding {
  return unchecked('there is no backup that could be restored', 'See backup-usable.');
}
