import { formatSeconds } from '../format';
import { meetsObjective, type RtoObjective } from '../objectives';

/** How long a restore should take, as a sentence without its full stop; null if that was never measured. */
export function expectedTimeText({ machineSeconds, measuredBy, peopleSeconds }: RtoObjective): string | null {
  if (machineSeconds === null) return null;
  const people =
    peopleSeconds === null ? 'and the time that people need' : `and people ${formatSeconds(peopleSeconds)}`;
  const basis = measuredBy === 'restores' ? 'as before' : 'by drills';
  return `machines about ${formatSeconds(machineSeconds)} (${basis}), ${people}`;
}

/** For a plan: with what is wanted. */
export function planTimeLines(rto: RtoObjective | undefined): string[] {
  if (rto === undefined) return [];
  const { targetSeconds } = rto;
  const expected = expectedTimeText(rto);
  if (targetSeconds === null) return expected === null ? [] : [`It should take ${expected}.`];
  const wanted = `at most ${formatSeconds(targetSeconds)} (objectives.rto) are wanted`;
  if (expected === null) return [`How long it takes was never measured; ${wanted}.`];
  return [`It should take ${expected}; ${wanted}: ${VERDICTS[String(meetsObjective(rto)) as keyof typeof VERDICTS]}.`];
}

const VERDICTS = { true: 'met', false: 'NOT met', null: 'unknown' } as const;

/** For a report: the real time beside what was wanted and expected, by name. */
export function reportTimeFacts(
  rto: RtoObjective | undefined,
  took: { rtoSeconds: number; rtoMachineSeconds: number },
): [string, string][] {
  if (rto === undefined) return [];
  const { targetSeconds } = rto;
  const expected = expectedTimeText(rto);
  return [
    ...(expected === null ? [] : [['RTO as planned', expected] satisfies [string, string]]),
    ...(targetSeconds === null
      ? []
      : [
          [
            'objectives.rto',
            `${formatSeconds(targetSeconds)}: ${took.rtoSeconds <= targetSeconds ? 'met' : 'NOT met'}`,
          ] satisfies [string, string],
        ]),
  ];
}
