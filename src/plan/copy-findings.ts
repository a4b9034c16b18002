import type { NodeReport } from '../contract/host';
import type { Finding } from './findings';

/** Whether the first node can fetch the backup at all. */
export function copyFindings(
  healthy: readonly string[],
  source: string,
  first: { node: string; report: NodeReport | null } | undefined,
): Finding[] {
  if (healthy.length === 0) {
    return [{ code: 'no-good-copy', text: 'no repository has a complete copy of this backup' }];
  }
  // What an agent does not say it can't read, it has not tried: a bucket, or what an earlier version was not asked.
  const unread = healthy.map((name) =>
    first?.report?.unreadable?.find(({ repository, cluster }) => repository === name && cluster === source),
  );
  if (unread.includes(undefined)) return [];
  const why = unread.map((found) => `${found?.repository}: ${found?.problem}`).join('; ');
  return [{ code: 'copy-out-of-reach', text: `${first?.node} can't read any good copy of this backup: ${why}` }];
}
