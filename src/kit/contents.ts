import { createHash } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json';
import type { KitContents, KitPart } from '../contract/kit';
import type { KitFacts } from './facts';

/** Far more than two pages. */
const LIMIT = 16 * 1024 * 1024;

/** Without what is another with each backup and each roll-call. */
export function kitContents(facts: KitFacts): KitContents {
  const {
    holders,
    approvers,
    seal,
    repositories,
    nodes,
    signing,
    authorities,
    encryption,
    identities,
    servers,
    holderPage,
  } = facts;
  const values: Record<KitPart, unknown> = {
    holders: holders.map(({ name }) => name).toSorted(),
    approvers,
    seal,
    repositories,
    nodes: { nodes, consul: facts.consul },
    signing: signing.sha256,
    authorities,
    encryption,
    identities,
    servers,
    // The page itself is another one with each version, and those that holders have still work.
    agents: holderPage.keys,
  };
  const parts = Object.fromEntries(
    Object.entries(values).map(([part, value]) => [part, sha256(canonicalJson(value, LIMIT))]),
  );
  return { sha256: sha256(canonicalJson({ cluster: facts.cluster, parts })), parts };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
