import { spawnSync } from 'node:child_process';
import { describeIf } from './describe-if';

/** Of Debian's package `prometheus`. */
const isThere = spawnSync('promtool', ['--version']).status === 0;

/** Tests that have what is meant for Prometheus checked by its own tool. */
export const describeWithPromtool = describeIf(isThere, 'needs promtool and prometheus in the PATH');

/** @returns what it printed, if it was content */
export function promtool(args: string[], input = ''): string {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  const said = `${stdout}${stderr}`;
  if (status !== 0) throw new Error(said);
  return said;
}
