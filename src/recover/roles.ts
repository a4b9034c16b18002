/** What of an auth method is a role, and can be read. */
export interface RoleKind {
  /** Behind the mount. */
  paths: readonly string[];
  /** What Vault never shows. */
  notReadable?: string;
  /** Fields that Vault takes only for a new one. */
  onlyNew?: readonly string[];
}

const USERS_AND_GROUPS: RoleKind = { paths: ['users', 'groups'] };
const ROLE: RoleKind = { paths: ['role'] };

/** By the type of the auth method. */
export const ROLES: Readonly<Record<string, RoleKind>> = {
  alicloud: ROLE,
  approle: {
    paths: ['role'],
    notReadable: 'Secret ids can not be read: issue a new one.',
    onlyNew: ['local_secret_ids'],
  },
  aws: ROLE,
  azure: ROLE,
  cert: { paths: ['certs'] },
  cf: { paths: ['roles'] },
  gcp: ROLE,
  github: { paths: ['map/teams', 'map/users'] },
  jwt: ROLE,
  kerberos: { paths: ['groups'] },
  kubernetes: ROLE,
  ldap: USERS_AND_GROUPS,
  oci: ROLE,
  oidc: ROLE,
  okta: USERS_AND_GROUPS,
  radius: { paths: ['users'] },
  token: { paths: ['roles'] },
  userpass: { paths: ['users'], notReadable: 'The password can not be read: set a new one.' },
};

/**
 * @param rest behind the mount: `role/app`, or `role/` for all of them
 * @returns folder and name, which is empty for all; null if it is no role of this type
 */
export function roleIn(type: string, rest: string): { folder: string; name: string } | null {
  const folder = ROLES[type]?.paths.find((path) => rest.startsWith(`${path}/`));
  if (folder === undefined) return null;
  const name = rest.slice(folder.length + 1);
  return name.includes('/') ? null : { folder, name };
}
