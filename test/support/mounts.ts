import { spawnSync } from 'node:child_process';
import { describeIf } from './describe-if';

const namespace = process.getuid?.() === 0 ? ['--mount'] : ['--mount', '--map-root-user'];

/** Tests of labs whose agents have mounts of their own. */
export const describeWithMounts = describeIf(
  spawnSync('unshare', [...namespace, 'mount', '--bind', '/tmp', '/tmp']).status === 0,
  'this user may not mount anything, not even in a namespace of its own',
);
