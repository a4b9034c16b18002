import { formatTime } from '../../contract/format';
import type { PhaseText } from '../../contract/voice/run-text';
import type { SharesModel } from '../model';
import { Facts, Said, Time } from './parts';

/** Phases of a run, those to come included. */
export function Timeline({ phases }: { phases: readonly PhaseText[] }) {
  return (
    <ol class="timeline">
      {phases.map(({ name, state, startedAt, time, people }) => (
        <li key={name} class={state} aria-current={state === 'current' ? 'step' : undefined}>
          <span class="phase">{name}</span>
          <span class="unseen">{STATES[state]}</span>
          <span class="duration">{time}</span>
          <span class="quiet">
            {startedAt === '' ? '' : <time dateTime={startedAt}>{formatTime(startedAt).slice(11)}</time>}
            {people === '' ? '' : ` · ${people}`}
          </span>
        </li>
      ))}
    </ol>
  );
}

const STATES: Record<PhaseText['state'], string> = { done: ': done, ', current: ': now, ', ahead: ': to come' };

export function Shares({ shares: { required, accepted, refused, until }, at }: { shares: SharesModel; at: string }) {
  const missing = Math.max(0, required - accepted.length);
  return (
    <Facts
      facts={[
        [
          'Shares',
          <strong>
            {accepted.length} of {required}
            {missing === 0 ? '' : `, ${missing} missing`}
          </strong>,
        ],
        ...(accepted.length === 0
          ? []
          : [
              [
                'Submitted by',
                <ul class="reasons">
                  {accepted.map(({ holder, at: time }) => (
                    <li key={`${holder} ${time}`}>
                      {holder} <Time time={time} at={at} />
                    </li>
                  ))}
                </ul>,
              ] as const,
            ]),
        ...(refused.length === 0
          ? []
          : [
              [
                'Refused',
                <ul class="reasons">
                  {refused.map(({ holder, reason }, index) => (
                    <li key={index}>
                      {holder}: <Said text={reason} />
                    </li>
                  ))}
                </ul>,
              ] as const,
            ]),
        ...(until === null ? [] : [['Until', <Time time={until} at={at} />] as const]),
      ]}
    />
  );
}

export function PlanSteps({ steps }: { steps: readonly { node: string; steps: string[] }[] }) {
  if (steps.length === 0) return null;
  return (
    <details>
      <summary>Steps on each node</summary>
      {steps.map(({ node, steps: ofNode }) => (
        <div key={node}>
          <h3>{node}</h3>
          <ol>
            {ofNode.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ol>
        </div>
      ))}
    </details>
  );
}
