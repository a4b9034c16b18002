import type { LifecycleRule } from '@aws-sdk/client-s3';

/** The effect of a bucket's lifecycle rules on objects with this prefix and these tags. */
export interface LifecycleEffects {
  /** Rules that delete objects, or hide them under a delete marker. */
  expires: string[];
  /** Rules that delete hidden objects, or versions before the newest. */
  expiresHidden: string[];
  /** Days after which unfinished uploads are aborted, or null. */
  abortsUploadsAfterDays: number | null;
}

export function lifecycleEffects(
  rules: readonly LifecycleRule[],
  prefix: string,
  tags: Record<string, string>,
): LifecycleEffects {
  const own = rules.filter((rule) => rule.Status === 'Enabled' && concerns(rule, prefix, tags));
  const aborts = own.flatMap((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? []);
  return {
    expires: own.flatMap((rule) => {
      const { Days, Date: date } = rule.Expiration ?? {};
      if (Days !== undefined) return [`${nameOf(rule)} after ${Days} days`];
      return date === undefined ? [] : [`${nameOf(rule)} on ${date.toISOString().slice(0, 10)}`];
    }),
    expiresHidden: own.flatMap((rule) => {
      const days = rule.NoncurrentVersionExpiration?.NoncurrentDays;
      return days === undefined ? [] : [`${nameOf(rule)} after ${days} days`];
    }),
    abortsUploadsAfterDays: aborts.length === 0 ? null : Math.min(...aborts),
  };
}

function concerns({ Filter, ...rule }: LifecycleRule, prefix: string, tags: Record<string, string>): boolean {
  // A rule has its prefix in one of three places, one of which predates filters.
  const legacy = (rule as { Prefix?: string }).Prefix;
  const wanted = Filter?.Prefix ?? Filter?.And?.Prefix ?? legacy ?? '';
  if (!wanted.startsWith(prefix) && !prefix.startsWith(wanted)) return false;
  const needed = [...(Filter?.Tag ? [Filter.Tag] : []), ...(Filter?.And?.Tags ?? [])];
  return needed.every(({ Key = '', Value }) => tags[Key] === Value);
}

function nameOf({ ID }: LifecycleRule): string {
  return `rule '${ID ?? 'unnamed'}'`;
}
