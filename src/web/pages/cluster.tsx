import { formatCount, formatTime } from '../../contract/format';
import type { ReadinessCheck } from '../../contract/readiness';
import type { ClusterModel, ClusterRow, RunLine } from '../model';
import { holderPath, runPath } from '../paths';
import { Actions } from './actions';
import { Compared, Newest, Rehearsed, RunLines } from './overview';
import { Badge, Facts, Remedy, Said, Shell, TemporalLink, Time } from './parts';
import { BackupPlots, RecoveryTrend } from './plots';
import { Table } from './table';
import { kindOf, span, took, verdictOf } from './words';

export function Cluster({ model }: { model: ClusterModel }) {
  const { row, at, actions, backups, recoveryTimes, runs } = model;
  const { tone, word } = verdictOf(row.verdict);
  return (
    <>
      <h1>
        <Badge tone={tone} /> {row.headline}
      </h1>
      <p class="quiet">
        {row.evaluatedAt === null ? (
          'Never evaluated.'
        ) : (
          <>
            {word}, as evaluated <Time time={row.evaluatedAt} at={at} />.
          </>
        )}
      </p>
      {row.running.length === 0 ? null : (
        <section class="panel attention" aria-labelledby="running">
          <h2 id="running">Running now</h2>
          <RunLines runs={row.running} at={at} />
          {row.running.some(({ waitsFor }) => waitsFor?.includes('key holder')) ? (
            <p>
              <a href={holderPath(row.cluster)}>Page for key holders</a>
            </p>
          ) : null}
        </section>
      )}
      <Findings row={row} />
      <section aria-labelledby="facts">
        <h2 id="facts">At a glance</h2>
        <Facts
          facts={[
            ['Would lose (RPO)', <Compared objective={row.rpo} />],
            ['Would take (RTO)', <ExpectedTime row={row} />],
            ['Newest backup', <Newest row={row} at={at} />],
            ['Rehearsed', <Rehearsed row={row} at={at} />],
          ]}
        />
      </section>
      {actions.length === 0 ? null : (
        <section aria-labelledby="do">
          <h2 id="do">Start something</h2>
          <Actions actions={actions} />
        </section>
      )}
      <section aria-labelledby="backups">
        <h2 id="backups">Backups</h2>
        {backups.length === 0 ? <p>No backup is known.</p> : <BackupPlots backups={backups} />}
      </section>
      <section aria-labelledby="recovery-times">
        <h2 id="recovery-times">What restores and drills took</h2>
        {recoveryTimes.length === 0 ? (
          <p>None was measured. A drill measures it:</p>
        ) : (
          <RecoveryTrend times={recoveryTimes} targetSeconds={row.rto?.targetSeconds ?? null} />
        )}
        {recoveryTimes.length === 0 ? (
          <Shell text={`vault-dr drill --cluster ${row.cluster}`} label="start a drill" />
        ) : null}
      </section>
      <Schedules model={model} />
      <section aria-labelledby="runs">
        <h2 id="runs">Runs</h2>
        {runs.length === 0 ? <p>Temporal knows none.</p> : <RunTable model={model} />}
      </section>
      <Checks checks={model.checks} />
    </>
  );
}

function Findings({ row: { open, problems } }: { row: ClusterRow }) {
  if (open.length === 0 && problems.length === 0) return null;
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">What to do</h2>
      <ol class="findings">
        {problems.map((problem) => (
          <li key={problem}>
            <p>
              <Badge tone="attention" /> <Said text={problem} />
            </p>
          </li>
        ))}
        {open.map(({ checks, verdict, seen, remedy }) => (
          <li key={checks.join(' ')}>
            <p>
              <Badge tone={verdictOf(verdict).tone} /> <strong>{checks.join(', ')}</strong>: <Said text={seen} />
            </p>
            <Remedy text={remedy} />
          </li>
        ))}
      </ol>
    </section>
  );
}

function ExpectedTime({ row: { rto } }: { row: ClusterRow }) {
  if (rto === null || rto.machineSeconds === null) return <Compared objective={rto} />;
  const people = rto.peopleSeconds === null ? 'the time that people need' : `people ${span(rto.peopleSeconds)}`;
  return (
    <>
      <Compared objective={rto} />
      <p class="quiet">
        machines {span(rto.machineSeconds)}
        {rto.measuredBy === null ? '' : `, by ${rto.measuredBy}`}; {people}
      </p>
    </>
  );
}

function Schedules({ model: { schedules, at } }: { model: ClusterModel }) {
  return (
    <section aria-labelledby="schedules">
      <h2 id="schedules">Schedules</h2>
      {schedules.length === 0 ? (
        <p>None: nothing is done unless somebody asks for it.</p>
      ) : (
        <ul class="runs">
          {schedules.map(({ what, everySeconds, paused, next }) => (
            <li key={what}>
              <strong>{what}</strong> {everySeconds === null ? '' : `every ${span(everySeconds)}`}{' '}
              {paused ? <Badge tone="attention">paused</Badge> : null}
              {paused || next === null ? null : (
                <>
                  next <Time time={next} at={at} />
                </>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function RunTable({ model: { runs, at } }: { model: ClusterModel }) {
  const hasLinks = runs.some(({ temporalUi }) => temporalUi !== null);
  return (
    <Table
      caption="Runs, the newest first"
      columns={['Run', 'State', 'Started', 'Took', ...(hasLinks ? ['Temporal'] : [])]}
      rows={runs.map((line) => ({
        key: `${line.workflowId} ${line.run}`,
        cells: [
          <a href={runPath(line)}>{kindOf(line.kind)}</a>,
          <>
            <Badge tone={line.tone} /> <Said text={line.headline} />
          </>,
          <Time time={line.startedAt} at={at} />,
          line.endedAt === null ? 'runs' : took(line),
          ...(hasLinks ? [<TemporalRun line={line} />] : []),
        ],
      }))}
    />
  );
}

function TemporalRun({ line }: { line: RunLine }) {
  return (
    <TemporalLink address={line.temporalUi}>
      Open
      <span class="unseen">
        {' '}
        {kindOf(line.kind)} of {formatTime(line.startedAt)}
      </span>
    </TemporalLink>
  );
}

function Checks({ checks }: { checks: readonly ReadinessCheck[] }) {
  if (checks.length === 0) return null;
  const passed = checks.filter(({ verdict }) => verdict === 'yes').length;
  return (
    <section aria-labelledby="checks">
      <h2 id="checks">Checks</h2>
      <details>
        <summary>
          {passed} of {formatCount(checks.length, 'check')} passed
        </summary>
        <Table
          caption="Every check of the last evaluation"
          columns={['Check', 'Passed', 'What was seen']}
          rows={checks.map(({ check, verdict, seen, remedy }) => ({
            key: check,
            cells: [
              check,
              <Badge tone={verdictOf(verdict).tone}>{verdictOf(verdict).word}</Badge>,
              <>
                <Said text={seen} />
                <Remedy text={remedy} />
              </>,
            ],
          }))}
        />
      </details>
    </section>
  );
}
