import type { Consistency, ConsulContent } from '../../../contract/method';
import type { ConsulContents } from './consul-state';

interface Asked {
  /** Of Vault's keys. */
  path: string;
  consistency: Consistency | null;
  accessor: string | null;
}

/** The facts of a manifest about a snapshot of Consul. */
export function consulContent(
  { path, consistency, accessor }: Asked,
  { others, elsewhere, services }: ConsulContents,
): ConsulContent {
  const otherKeys = Object.values(elsewhere).reduce((sum, { count }) => sum + count, 0);
  const instances = Object.values(services).reduce((sum, count) => sum + count, 0);
  return {
    method: 'consul',
    scope: 'all',
    path,
    consistency,
    accessor,
    others: { ...others, otherKeys, services: instances },
  };
}
