import type { Entry } from './entry';

/** Why a run is parked, and what warnings of reports and backups ask for. */
export const NOTICES = {
  'agent-silent': {
    title: 'No agent takes the step',
    says: ['Nobody picked up …: the agent does not run, or does not reach Temporal.'],
    means: 'The host or its agent is down, or cut off from Temporal. People are notified after half a minute.',
    todo: [
      'Start the agent (`systemctl start vault-dr-agent@NODE`) and read its log. The run continues by itself.',
      'If the host is lost for good: power it off, then `vault-dr skip-node`.',
    ],
  },
} as const satisfies Record<string, Entry>;

export type NoticeCode = keyof typeof NOTICES;
