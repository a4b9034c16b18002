import type { ReportText } from '../../contract/voice/report-text';
import { Commands, Facts, Said, Texts } from './parts';
import { PlanSteps, Timeline } from './run-parts';
import { Table } from './table';

/** Of a run that has ended: the outcome, what to do about what is left, and the rest for a post-mortem. */
export function Report({ report }: { report: ReportText }) {
  const { outcome, facts, commands, warnings, kept, removed, phases, nodes, errors, plan, source } = report;
  return (
    <section aria-labelledby="report">
      <h2 id="report">Report</h2>
      <Texts texts={outcome} kind="plain outcome" />
      {warnings.length === 0 ? null : (
        <div class="panel attention">
          <h3>Warnings</h3>
          <Texts texts={warnings} />
        </div>
      )}
      {commands.length === 0 ? null : (
        <div class="panel next">
          <h3>What is left to do</h3>
          <Commands commands={commands} />
        </div>
      )}
      <Facts facts={facts.map(([name, fact]) => [name, <Said text={fact} />] as const)} />
      <h3>Timeline</h3>
      <Timeline phases={phases} />
      <h3>Nodes</h3>
      <ul class="plain">
        {nodes.map(({ name, role, state, detail }) => (
          <li key={name}>
            <strong>{name}</strong> {state} <span class="quiet">{detail ?? role}</span>
          </li>
        ))}
      </ul>
      {kept.length + removed.length === 0 ? null : <Left kept={kept} removed={removed} />}
      {errors.length === 0 ? null : <Errors errors={errors} />}
      {plan === null ? null : (
        <>
          <h3>Plan</h3>
          <Texts texts={plan.matters} />
          <PlanSteps steps={plan.steps} />
        </>
      )}
      <p class="quiet">{source}</p>
    </section>
  );
}

function Left({ kept, removed }: Pick<ReportText, 'kept' | 'removed'>) {
  return (
    <>
      <h3>Data set aside</h3>
      <ul class="plain">
        {kept.map(({ node, path }) => (
          <li key={`${node} ${path}`}>
            <strong>{node}</strong> <code>{path}</code>
          </li>
        ))}
        {removed.map(({ node, path, size }) => (
          <li key={`${node} ${path}`}>
            <strong>{node}</strong> <code>{path}</code> <span class="quiet">removed, {size}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

function Errors({ errors }: Pick<ReportText, 'errors'>) {
  return (
    <>
      <h3>Errors on the way</h3>
      <Table
        caption="Errors of steps, and what became of them"
        columns={['At', 'Phase', 'Node', 'Problem', 'Outcome']}
        rows={errors.map(({ at, phase, node, code, problem, outcome }, index) => ({
          key: String(index),
          cells: [at, phase, node || '–', <Said text={`${code}: ${problem}`} />, outcome],
        }))}
      />
    </>
  );
}
