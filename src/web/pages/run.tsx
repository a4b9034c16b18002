import { formatTime } from '../../contract/format';
import type { RunText } from '../../contract/voice/run-text';
import type { RunModel } from '../model';
import { clusterPath, holderPath } from '../paths';
import { Actions } from './actions';
import { Badge, Commands, Facts, Remedy, Said, TemporalLink, Texts, Time } from './parts';
import { Report } from './report';
import { PlanSteps, Shares, Timeline } from './run-parts';
import { Table } from './table';
import { kindOf, took } from './words';

export function Run({ model }: { model: RunModel }) {
  const { line, text, headline, facts, report, commands, actions, at, warnings } = model;
  const next = text?.commands ?? commands;
  return (
    <>
      <h1>
        <Badge tone={headline.tone} /> {kindOf(line.kind)} of {line.cluster}: {headline.text}
      </h1>
      <p class="quiet">
        {text === null ? '' : `${text.title}. `}Started <Time time={line.startedAt} at={at} />
        {line.endedAt === null ? '' : `, ended ${formatTime(line.endedAt)} after ${took(line)}`}. Run{' '}
        <code>{line.run}</code>. <TemporalLink address={line.temporalUi}>Open it in Temporal</TemporalLink>
      </p>
      {report === null ? null : <Report report={report} />}
      {text === null ? null : <Why text={text} />}
      {report !== null || (next.length === 0 && actions.length === 0) ? null : (
        <section class="panel next" aria-labelledby="next">
          <h2 id="next">What to do next</h2>
          <Actions actions={actions} />
          <Commands commands={next} />
        </section>
      )}
      {warnings.length === 0 || report !== null ? null : <Warnings warnings={warnings} />}
      {facts.length === 0 ? null : (
        <section aria-labelledby="facts">
          <h2 id="facts">Facts</h2>
          <Texts texts={facts} />
        </section>
      )}
      {text === null || report !== null ? null : (
        <>
          <section aria-labelledby="timeline">
            <h2 id="timeline">Timeline</h2>
            <p class="quiet">{text.step}</p>
            <Timeline phases={text.phases} />
            {text.rollBack === null ? null : <p>{text.rollBack}</p>}
          </section>
          <Nodes text={text} />
        </>
      )}
      {report === null ? <People model={model} /> : null}
      {text === null || report !== null ? null : <Plan text={text} />}
      <p>
        <a href={clusterPath(line.cluster)}>All of {line.cluster}</a>
      </p>
    </>
  );
}

function Why({ text: { why, underway } }: { text: RunText }) {
  if (why.length === 0 && underway.length === 0) return null;
  return (
    <section class={why.length === 0 ? 'panel' : 'panel attention'} aria-labelledby="why">
      <h2 id="why">{why.length === 0 ? 'Under way' : 'What blocks or delays it'}</h2>
      <ul class="findings">
        {why.map(({ where, problem, advice }) => (
          <li key={`${where} ${problem}`}>
            <p>
              {where === null ? null : <strong>{where}: </strong>}
              <Said text={problem} />
            </p>
            <Remedy text={advice} />
          </li>
        ))}
      </ul>
      {underway.length === 0 ? null : (
        <ul class="plain">
          {underway.map(([where, step, time, says]) => (
            <li key={`${where} ${step}`}>
              <strong>{where}</strong> {step} <span class="quiet">{time}</span> {says}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Nodes({ text: { nodes } }: { text: RunText }) {
  if (nodes.length === 0) return null;
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">Nodes</h2>
      <Table
        caption="Nodes and their states"
        columns={['Node', 'State', 'Role', 'Detail']}
        rows={nodes.map(({ name, role, state, detail }) => ({ key: name, cells: [name, state, role, detail ?? '–'] }))}
      />
    </section>
  );
}

/** Who has approved and who has submitted a share: names, and never more. */
function People({ model: { approvals, shares, at, line } }: { model: RunModel }) {
  if (approvals.length === 0 && shares === null) return null;
  return (
    <section aria-labelledby="people">
      <h2 id="people">People</h2>
      {approvals.length === 0 ? null : (
        <Facts
          facts={[
            [
              'Approved by',
              <ul class="reasons">
                {approvals.map(({ by, at: time }) => (
                  <li key={by}>
                    {by} <Time time={time} at={at} />
                  </li>
                ))}
              </ul>,
            ],
          ]}
        />
      )}
      {shares === null ? null : <Shares shares={shares} at={at} />}
      {shares === null || line.endedAt !== null || shares.accepted.length >= shares.required ? null : (
        <p>
          <a href={holderPath(line.cluster)}>Page for key holders</a>
        </p>
      )}
    </section>
  );
}

function Warnings({ warnings }: { warnings: readonly string[] }) {
  return (
    <section class="panel attention" aria-labelledby="warnings">
      <h2 id="warnings">Warnings</h2>
      <Texts texts={warnings} />
    </section>
  );
}

/** While it is to be approved all of it, and afterwards what matters. */
function Plan({ text: { plan } }: { text: RunText }) {
  if (plan === null) return null;
  return (
    <section aria-labelledby="plan">
      <h2 id="plan">Plan</h2>
      <Texts texts={plan.matters} />
      <PlanSteps steps={plan.steps} />
    </section>
  );
}
