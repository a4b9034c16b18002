import { hasChangedNodes, type RecoveryPhase, type RecoveryProgress } from '../recovery';

export type Tone = 'good' | 'attention' | 'bad' | 'neutral';

export interface Headline {
  text: string;
  tone: Tone;
}

/** The state of a run, in the same words everywhere. */
export function headlineOf(progress: RecoveryProgress): Headline {
  switch (progress.status) {
    case 'completed':
      return { text: 'completed', tone: 'good' };
    case 'planned':
      return { text: 'planned; nothing was changed', tone: 'good' };
    case 'rolled back':
      return { text: 'rolled back; the previous data directories are in place', tone: 'attention' };
    case 'aborted':
      return {
        text: `aborted; ${hasChangedNodes(progress) ? 'some nodes may be partly changed' : 'no node was stopped'}`,
        tone: 'attention',
      };
    case 'refused':
      return { text: 'refused; nothing was changed', tone: 'bad' };
    case 'failed':
      return { text: 'failed; the node was started again', tone: 'bad' };
    case 'running':
    case 'waiting':
    case 'parked':
      return headlineUnderway(progress);
  }
}

function headlineUnderway({
  phase,
  parked,
  waitingFor,
  approvals,
  plan,
  shares,
  retrying = [],
}: RecoveryProgress): Headline {
  if (parked.length > 0) return { text: `parked in ${phaseName(phase)}, needs a decision`, tone: 'bad' };
  if (waitingFor === 'approval') {
    return { text: `waits for approval (${approvals.length} of ${plan?.approvals ?? '?'})`, tone: 'attention' };
  }
  if (waitingFor === 'shares') {
    return {
      text: `waits for key holders (${shares?.accepted.length ?? 0} of ${shares?.required ?? '?'})`,
      tone: 'attention',
    };
  }
  if (waitingFor === 'goLive') return { text: 'waits for go-live, behind a fence', tone: 'attention' };
  if (retrying.some(({ code }) => code !== 'NotYet')) {
    return { text: `running: ${phaseName(phase)}, but a step keeps failing`, tone: 'attention' };
  }
  return { text: `running: ${phaseName(phase)}`, tone: 'neutral' };
}

const WORDS: Partial<Record<RecoveryPhase, string>> = { setAside: 'set aside', rollBack: 'roll back' };

/** A phase in words. */
export function phaseName(phase: RecoveryPhase): string {
  return WORDS[phase] ?? phase;
}

export function isUnderway({ status }: Pick<RecoveryProgress, 'status'>): boolean {
  return status === 'running' || status === 'waiting' || status === 'parked';
}
