import type { OidcConfig } from '../../config/settings/login';
import { printable } from '../../contract/printable';
import { personName } from '../../contract/person';
import type { Principal } from './principal';
import { rolesOf } from './roles';

/** Nobody is in more; a token with more is not looked through. */
const MOST_GROUPS = 2_000;
/** By the standard; ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;

type Claims = Readonly<Record<string, unknown>>;
type Named = { principal: Principal } | { problem: string };

/** Who somebody is, by what the issuer says and has signed. */
export function principalOfClaims(
  claims: Claims,
  { issuer, nameClaim, groupsClaim, roles }: Pick<OidcConfig, 'issuer' | 'nameClaim' | 'groupsClaim' | 'roles'>,
): Named {
  const subject = own(claims, 'sub');
  if (typeof subject !== 'string' || !SUBJECT.test(subject)) return { problem: 'The token has no usable subject.' };
  const raw = own(claims, nameClaim);
  if (raw === undefined) return { problem: `The token has no claim '${nameClaim}', which names the person here.` };
  // Only `true`: some issuers let people enter any address.
  if (nameClaim === 'email' && own(claims, 'email_verified') !== true) {
    return { problem: 'The issuer does not say that the e-mail address is verified, so it names nobody.' };
  }
  const name = personName.safeParse(raw);
  if (!name.success) {
    const reason = name.error.issues[0]?.message ?? 'is no name';
    return { problem: `The claim '${nameClaim}' ${printable(reason)}.` };
  }
  const groups = groupsIn(own(claims, groupsClaim));
  if (groups === null) return { problem: `The claim '${groupsClaim}' is not a list of groups.` };
  return { principal: { name: name.data, issuer, subject, roles: rolesOf(groups, roles) } };
}

/** Null: it is none. A group that is no text is no group. */
function groupsIn(raw: unknown): string[] | null {
  if (raw === undefined || raw === null) return [];
  if (typeof raw === 'string') return [raw];
  if (!Array.isArray(raw) || raw.length > MOST_GROUPS) return null;
  return raw.filter((item) => typeof item === 'string');
}

function own(claims: Claims, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}
