export { backUpCluster } from './back-up-cluster';
export { restoreCluster } from './restore-cluster';
