import { defineSearchAttributeKey } from '@temporalio/common';

export const CLUSTER_ATTRIBUTE = defineSearchAttributeKey('VaultCluster', 'KEYWORD');
export const PHASE_ATTRIBUTE = defineSearchAttributeKey('RecoveryPhase', 'KEYWORD');
export const SHARES_ATTRIBUTE = defineSearchAttributeKey('UnsealShares', 'KEYWORD');
export const GENERATION_ATTRIBUTE = defineSearchAttributeKey('GenerationId', 'KEYWORD');
