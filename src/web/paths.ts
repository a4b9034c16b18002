import type { SharePurpose } from '../contract/recipients';
import type { RunLine } from './model';

/** Where each page is. */
export const OVERVIEW_PATH = '/';

export function clusterPath(cluster: string): string {
  return `/clusters/${encodeURIComponent(cluster)}`;
}

export function runPath({ cluster, kind, run }: Pick<RunLine, 'cluster' | 'kind' | 'run'>): string {
  return `${clusterPath(cluster)}/runs/${kind}/${encodeURIComponent(run)}`;
}

/** @param purpose null: whichever run wants shares */
export function holderPath(cluster: string, purpose: SharePurpose | null = null): string {
  return `${clusterPath(cluster)}/unseal${purpose === null ? '' : `?purpose=${purpose}`}`;
}

/** Where a page is said again whenever it changes. @param page its path, and its query */
export function eventsPath(page: string): string {
  const [path = '', query] = page.split('?', 2);
  return `${path.replace(/\/$/, '')}/events${query === undefined ? '' : `?${query}`}`;
}
