import type { SharePurpose } from '../../../contract/recipients';
import type { RunRecipient } from '../../../contract/recovery';
import { drillProgress, rollCallProgress, secretProgress } from '../../../contract/step-input/progress';
import { recoveryProgress, recoveryReport } from '../../../contract/step-input/report';
import { isUnderway, phaseName } from '../../../contract/voice/headline';
import type { RunKind, SharesModel } from '../../model';
import type { RunFacts } from './run-facts';
import { textsOf } from './run-texts';

export interface HolderFacts {
  purpose: SharePurpose;
  phase: string;
  waiting: boolean;
  over: string | null;
  recipients: RunRecipient[];
  shares: SharesModel | null;
}

const KINDS: Record<SharePurpose, RunKind> = {
  restore: 'recovery',
  drill: 'drill',
  'roll-call': 'roll-call',
  recover: 'secrets',
};

export function kindOfPurpose(purpose: SharePurpose): RunKind {
  return KINDS[purpose];
}

const OVER = 'Your share is not needed any more.';
const NOT_YET = 'The run does not take shares yet. This page says when it does.';

/** Of a run that wants shares, or has wanted them. What it says is parsed here, and the browser checks the signatures. */
export function holderFacts(purpose: SharePurpose, facts: RunFacts | null): HolderFacts {
  const nothing = { purpose, phase: '', waiting: false, over: null, recipients: [], shares: null };
  if (facts === null) return nothing;
  const { shares } = textsOf(facts, Date.now());
  if (facts.execution !== 'RUNNING') return { ...nothing, over: OVER, shares };
  const said = purpose === 'restore' ? recovery(facts) : sandbox(purpose, facts);
  if (said === null) return nothing;
  const waiting = said.takes && said.recipients.length > 0 && shares !== null;
  return { purpose, ...said, waiting, over: waiting ? null : said.done ? OVER : NOT_YET, shares };
}

interface Said {
  phase: string;
  recipients: RunRecipient[];
  takes: boolean;
  done: boolean;
}

function recovery({ progress }: RunFacts): Said | null {
  const { data } = recoveryProgress.safeParse(progress);
  if (data === undefined) return null;
  const { phase, recipients, shares } = data;
  const enough = shares !== null && data.waitingFor !== 'shares' && shares.accepted.length >= shares.required;
  return {
    phase: phaseName(phase),
    recipients,
    takes: isUnderway(data) && shares !== null && !enough,
    done: !isUnderway(data) || enough || recoveryReport.safeParse(progress).success,
  };
}

const SCHEMAS = { drill: drillProgress, 'roll-call': rollCallProgress, recover: secretProgress };
const AFTER: readonly string[] = ['rehearse', 'try', 'read', 'record'];

function sandbox(purpose: Exclude<SharePurpose, 'restore'>, { progress }: RunFacts): Said | null {
  const { data } = SCHEMAS[purpose].safeParse(progress);
  if (data === undefined) return null;
  const { step, recipients } = data;
  return { phase: step, recipients, takes: step === 'shares', done: AFTER.includes(step) };
}
