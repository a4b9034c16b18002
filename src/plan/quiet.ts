import type { Manifest } from '../contract/generation';
import type { RecoverySettings } from '../contract/plan';
import { storageOf } from './consul-findings';
import type { Finding } from './findings';

type Settings = Pick<RecoverySettings, 'quietReach' | 'leaseGraceMinutes'>;

/** What stands against a first node that nobody reaches until somebody says so. */
export function quietFindings(manifest: Pick<Manifest, 'content'>, problem: string | null | undefined): Finding[] {
  if (storageOf(manifest) === 'consul') {
    return [{ code: 'no-fence', text: 'quiet is not possible where Vault stores in Consul, which is behind no fence' }];
  }
  if (problem === null) return [];
  return [{ code: 'no-fence', text: `no fence can be made: ${problem ?? 'nobody has tried'}` }];
}

/** What a fence does not hold back, and what it holds back that somebody may miss. */
export function quietWarnings(
  { leases, reach, seal }: Pick<Manifest, 'leases' | 'reach' | 'seal'>,
  { quietReach = [], leaseGraceMinutes }: Settings,
): string[] {
  const open = quietReach.join(', ');
  return [
    ...(leases?.total === 0 || leaseGraceMinutes !== undefined
      ? []
      : [
          'behind the fence Vault revokes at once what it can revoke by itself (tokens that have expired since the backup), and gives up on other leases after some tries: restore.leaseGraceMinutes prevents both',
        ]),
    ...((reach?.auditDevices ?? 0) === 0
      ? []
      : ['if all audit devices send to other hosts, Vault answers no request before it goes live']),
    ...(seal.type === 'shamir' || open !== ''
      ? []
      : [
          `behind the fence the seal ${seal.type} can use a key service on the same host only: name the addresses of any other in restore.quietReach, or the node does not unseal`,
        ]),
  ];
}

/** The fence, as a step of the first node. */
export function fenceStep({ quietReach = [] }: Settings): string {
  const more = quietReach.length === 0 ? '' : ` and ${quietReach.join(', ')}`;
  return `put a fence around Vault: until somebody says go-live it reaches nothing but its own host${more}, and nobody reaches it`;
}
