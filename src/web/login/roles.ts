import type { RolesConfig } from '../../config/settings/login';
import type { Role } from '../model';

const ACTING = ['operator', 'approver', 'holder'] as const;

/** Groups are compared as they are written: two that differ in case are two groups. */
export function rolesOf(groups: readonly string[], roles: RolesConfig): Role[] {
  const acting = ACTING.filter((role) => roles[role].some((group) => groups.includes(group)));
  const looks = acting.length > 0 || roles.viewer === undefined || roles.viewer.some((name) => groups.includes(name));
  return looks ? ['viewer', ...acting] : [];
}
