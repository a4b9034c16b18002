import { defineSearchAttributeKey } from '@temporalio/common';
import { SEARCH_ATTRIBUTE } from '../../src/contract/names';

export const CLUSTER_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.cluster, 'KEYWORD');
export const PHASE_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.phase, 'KEYWORD');
export const GENERATION_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.generation, 'KEYWORD');
export const SHARES_ATTRIBUTE = defineSearchAttributeKey(SEARCH_ATTRIBUTE.shares, 'KEYWORD');
