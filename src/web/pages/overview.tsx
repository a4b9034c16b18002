import { formatCount } from '../../contract/format';
import { meetsObjective, type Objective, type RtoObjective } from '../../contract/objectives';
import type { ClusterRow, OverviewModel, RunLine } from '../model';
import { clusterPath, runPath } from '../paths';
import { Ago, Badge, Said } from './parts';
import { Table } from './table';
import { kindOf, lockOf, span, verdictOf } from './words';

const SHOWN_REASONS = 2;

export function Overview({ model: { clusters, at } }: { model: OverviewModel }) {
  const rows = clusters.toSorted((one, other) => urgency(one) - urgency(other));
  const waiting = rows.flatMap(({ running }) => running.filter(({ waitsFor }) => waitsFor !== null));
  return (
    <>
      <h1>{leadOf(clusters)}</h1>
      {waiting.length === 0 ? null : (
        <section class="panel attention" aria-labelledby="waiting">
          <h2 id="waiting">Waits for people</h2>
          <RunLines runs={waiting} at={at} />
        </section>
      )}
      {rows.length === 0 ? (
        <p>The configuration names no cluster.</p>
      ) : (
        <Table
          kind="clusters"
          caption="Clusters, those that need attention first"
          columns={[
            'Cluster',
            'Can it be restored?',
            'Would lose (RPO)',
            'Would take (RTO)',
            'Newest backup',
            'Rehearsed',
          ]}
          rows={rows.map((row) => ({
            key: row.cluster,
            cells: [
              <a href={clusterPath(row.cluster)}>{row.cluster}</a>,
              <Verdict row={row} at={at} />,
              <Compared objective={row.rpo} />,
              <Compared objective={row.rto} />,
              <Newest row={row} at={at} />,
              <Rehearsed row={row} at={at} />,
            ],
          }))}
        />
      )}
    </>
  );
}

/** The answer to the question with which somebody comes. */
function leadOf(clusters: readonly ClusterRow[]): string {
  const not = clusters.filter(({ verdict }) => verdict === 'no').length;
  const unknown = clusters.filter(({ verdict }) => verdict !== 'no' && verdict !== 'yes').length;
  if (clusters.length === 0) return 'No clusters';
  if (not === 0 && unknown === 0) {
    return clusters.length === 1 ? 'The cluster can be restored' : `All ${clusters.length} clusters can be restored`;
  }
  const parts = [
    ...(not === 0 ? [] : [`${formatCount(not, 'cluster')} can’t be restored`]),
    ...(unknown === 0 ? [] : [`${not === 0 ? formatCount(unknown, 'cluster') : unknown} not known`]),
  ];
  return `${parts.join(', ')}, of ${clusters.length}`;
}

/** The lower, the sooner somebody must see it. */
function urgency({ verdict, running }: ClusterRow): number {
  if (running.some(({ waitsFor, tone }) => waitsFor !== null || tone === 'bad')) return 0;
  if (verdict === 'no') return 1;
  return verdict === 'yes' ? 3 : 2;
}

function Verdict({ row, at }: { row: ClusterRow; at: string }) {
  const { word, tone } = verdictOf(row.verdict);
  const rest = row.open.length - SHOWN_REASONS;
  const reasons = [...row.problems, ...row.open.slice(0, SHOWN_REASONS).map(({ seen }) => seen)];
  return (
    <>
      <p>
        <Badge tone={tone}>{word}</Badge>
        {row.evaluatedAt === null ? (
          <span class="quiet"> never evaluated</span>
        ) : (
          <>
            {' '}
            <Ago time={row.evaluatedAt} at={at} />
          </>
        )}
      </p>
      {reasons.length === 0 ? null : (
        <ul class="reasons">
          {reasons.map((reason) => (
            <li key={reason}>
              <Said text={reason} />
            </li>
          ))}
          {rest > 0 ? (
            <li>
              <a href={clusterPath(row.cluster)}>{formatCount(rest, 'more finding')}</a>
            </li>
          ) : null}
        </ul>
      )}
      {row.running.length === 0 ? null : <RunLines runs={row.running} at={at} />}
    </>
  );
}

/** What is expected, and whether that is within what was asked for. */
export function Compared({ objective }: { objective: Objective | RtoObjective | null }) {
  const { targetSeconds, expectedSeconds } = objective ?? { targetSeconds: null, expectedSeconds: null };
  const isMet = objective && isMetBy(objective);
  const said = expectedSeconds === null ? 'not known' : span(expectedSeconds);
  return (
    <span>
      {isMet === null ? said : <Badge tone={isMet ? 'good' : 'bad'}>{said}</Badge>}{' '}
      <span class="quiet">
        {targetSeconds !== null && `${isMet ? 'within' : 'objective'} ${span(targetSeconds)}`}
        {targetSeconds === null && expectedSeconds !== null ? 'no objective' : ''}
      </span>
    </span>
  );
}

function isMetBy(objective: Objective | RtoObjective): boolean | null {
  if ('machineSeconds' in objective) return meetsObjective(objective);
  const { targetSeconds, expectedSeconds } = objective;
  return targetSeconds === null || expectedSeconds === null ? null : expectedSeconds <= targetSeconds;
}

export function Newest({ row: { newest, problems }, at }: { row: ClusterRow; at: string }) {
  // Who does not answer may have some.
  if (newest === null) return problems.length > 0 ? <>not known</> : <Badge tone="bad">none</Badge>;
  return (
    <>
      <Ago time={newest.capturedAt} at={at} />
      {newest.copies.length === 0 ? <p>no copy is known</p> : null}
      <ul class="reasons">
        {newest.copies.map((copy) => (
          <li key={copy.repository}>
            {copy.repository} <span class="quiet">{lockOf(copy)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

export function Rehearsed({ row: { lastDrill, lastRollCall }, at }: { row: ClusterRow; at: string }) {
  return (
    <ul class="reasons">
      <li>
        Drill:{' '}
        {lastDrill === null ? (
          'never'
        ) : (
          <>
            <Badge tone={lastDrill.passed ? 'good' : 'bad'}>{lastDrill.passed ? 'passed' : 'failed'}</Badge>{' '}
            <Ago time={lastDrill.at} at={at} />
          </>
        )}
      </li>
      <li>
        Roll-call:{' '}
        {lastRollCall === null ? (
          'never'
        ) : (
          <>
            <Badge tone={lastRollCall.proven >= lastRollCall.needed ? 'good' : 'bad'}>
              {lastRollCall.proven} proven, {lastRollCall.needed} needed
            </Badge>{' '}
            <Ago time={lastRollCall.at} at={at} />
          </>
        )}
      </li>
    </ul>
  );
}

export function RunLines({ runs, at }: { runs: readonly RunLine[]; at: string }) {
  return (
    <ul class="runs">
      {runs.map((line) => (
        <li key={`${line.kind} ${line.run}`}>
          <Badge tone={line.tone} />{' '}
          <a href={runPath(line)}>
            {kindOf(line.kind)} of {line.cluster}
          </a>
          :{' '}
          <strong>
            <Said text={line.headline} />
          </strong>
          {line.waitsFor === null || line.headline.includes(line.waitsFor) ? null : (
            <>
              {' '}
              <strong>Waits for {line.waitsFor}.</strong>
            </>
          )}{' '}
          <span class="quiet">
            {line.endedAt === null ? 'started' : 'ended'} <Ago time={line.endedAt ?? line.startedAt} at={at} />
          </span>
        </li>
      ))}
    </ul>
  );
}
