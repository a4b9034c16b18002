export { backUpCluster } from './back-up-cluster';
export { drillRestore } from './drill-restore';
export { rollCall } from './roll-call';
export { evaluateReadiness } from './evaluate-readiness';
export { notifyPeople } from './notify-people';
export { guardChange } from './guard-change';
export { enrolNode } from './enrol-node';
export { migrateStorage } from './migrate-storage';
export { copyNode } from './copy-node';
export { rebuildNode } from './rebuild-node';
export { recoverSecret } from './recover-secret';
export { recoverQuorum } from './recover-quorum';
export { rollBackRun } from './roll-back-run';
export { removeSetAside } from './remove-set-aside';
export { restoreCluster } from './restore-cluster';
// oxlint-disable-next-line import/no-default-export -- Temporal gives the default export every type that no other name takes.
export { unknownWorkflow as default } from './run/unknown-workflow';
