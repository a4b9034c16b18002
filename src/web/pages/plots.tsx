import { formatBytes, formatCount, formatNumber, formatSeconds, formatTime } from '../../contract/format';
import type { BackupPoint, RecoveryTime } from '../model';
import { dot, HEIGHT, lineThrough, plotted, WIDTH } from './plot-scale';
import { Table } from './table';

/** Over time; the numbers are in the table below it. */
export function BackupPlots({ backups }: { backups: readonly BackupPoint[] }) {
  const counted = backups.flatMap((backup) => (backup.keys === null ? [] : [{ ...backup, keys: backup.keys }]));
  return (
    <>
      <div class="plots">
        <Plot
          title="Size"
          points={backups.map((backup) => ({ ...pointOf(backup), value: backup.sizeBytes }))}
          format={formatBytes}
        />
        {counted.length === 0 ? null : (
          <Plot
            title="Keys"
            points={counted.map((backup) => ({ ...pointOf(backup), value: backup.keys }))}
            format={formatNumber}
          />
        )}
      </div>
      <p class="legend" aria-hidden="true">
        <span class="swatch ring"></span> drilled <span class="swatch pin"></span> pinned
      </p>
      <details>
        <summary>{formatCount(backups.length, 'backup')} as a table</summary>
        <Table
          caption="Backups, the newest first"
          columns={['Backup', 'Of', 'Size', 'Keys', 'Copies']}
          rows={backups.toReversed().map(({ generation, capturedAt, sizeBytes, keys, copies, drilled, pinned }) => ({
            key: generation,
            cells: [
              <>
                <code>{generation}</code>
                {drilled ? <span class="tag">drilled</span> : null}
                {pinned ? <span class="tag">pinned</span> : null}
              </>,
              formatTime(capturedAt),
              formatBytes(sizeBytes),
              keys === null ? 'not known' : formatNumber(keys),
              copies.join(', ') || 'none',
            ],
          }))}
        />
      </details>
    </>
  );
}

interface Point {
  at: string;
  value: number;
  name: string;
  drilled: boolean;
  pinned: boolean;
}

function pointOf({ generation, capturedAt, drilled, pinned }: BackupPoint): Omit<Point, 'value'> {
  return { at: capturedAt, name: generation, drilled, pinned };
}

function Plot({
  title,
  points,
  format,
}: {
  title: string;
  points: readonly Point[];
  format: (value: number) => string;
}) {
  const values = points.map(({ value }) => value);
  const top = Math.max(...values);
  const places = plotted(points, top);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return null;
  const summary = `${title} of ${formatCount(points.length, 'backup')}, ${formatTime(first.at)} to ${formatTime(last.at)}: ${format(Math.min(...values))} to ${format(top)}, now ${format(last.value)}`;
  return (
    <figure class="plot">
      <figcaption>
        {title} <strong>{format(last.value)}</strong> <span class="quiet">most {format(top)}</span>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={summary}>
        <path class="axis" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
        <path class="line" d={lineThrough(places)} />
        {points.map(({ name, at, value, drilled, pinned }, index) => {
          const place = places[index];
          if (place === undefined) return null;
          return (
            <g key={name}>
              {drilled ? <path class="dot ring" d={dot(place)} /> : null}
              <path class={`dot ${pinned ? 'pin' : ''}`} d={dot(place)}>
                <title>{`${formatTime(at)}: ${format(value)}`}</title>
              </path>
            </g>
          );
        })}
      </svg>
      <p class="ends quiet" aria-hidden="true">
        <span>{dayOf(first.at)}</span>
        <span>{dayOf(last.at)}</span>
      </p>
    </figure>
  );
}

interface TrendProps {
  /** Newest first. */
  times: readonly RecoveryTime[];
  targetSeconds: number | null;
}

/** What restores and drills took, one bar each, and what they may take. */
export function RecoveryTrend({ times, targetSeconds }: TrendProps) {
  const oldestFirst = times.toReversed();
  const all = oldestFirst.map((time) => time.machineSeconds + (time.peopleSeconds ?? 0));
  const top = Math.max(targetSeconds ?? 0, ...all) * 1.05;
  const height = (seconds: number) => (top > 0 ? Math.round((seconds / top) * HEIGHT * 10) / 10 : 0);
  const step = WIDTH / Math.max(oldestFirst.length, 8);
  return (
    <>
      <figure class="plot trend">
        <figcaption>
          Time by run <strong>{formatSeconds(all.at(-1) ?? 0)}</strong>{' '}
          {targetSeconds === null ? null : <span class="quiet">objective {formatSeconds(targetSeconds)}</span>}
        </figcaption>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={`What ${formatCount(times.length, 'restore or drill', 'restores and drills')} took, the oldest first: ${all.map(formatSeconds).join(', ')}`}
        >
          <path class="axis" d={`M0 ${HEIGHT - 0.5}H${WIDTH}`} />
          {oldestFirst.map(({ at, by, machineSeconds, peopleSeconds, passed }, index) => {
            const machines = height(machineSeconds);
            const people = height(peopleSeconds ?? 0);
            const x = index * step + step * 0.15;
            const width = step * 0.7;
            return (
              <g key={`${at} ${by}`} class={passed ? by : 'failed'}>
                <title>{`${formatTime(at)}, ${by}${passed ? '' : ', failed'}: ${formatSeconds(machineSeconds)} machines, ${peopleText(peopleSeconds)} people`}</title>
                <rect class="machines" x={x} y={HEIGHT - machines} width={width} height={machines} />
                <rect class="people" x={x} y={HEIGHT - machines - people} width={width} height={people} />
              </g>
            );
          })}
          {targetSeconds === null ? null : (
            <path class="target" d={`M0 ${Math.round((HEIGHT - height(targetSeconds)) * 10) / 10}H${WIDTH}`} />
          )}
        </svg>
        <p class="legend" aria-hidden="true">
          <span class="swatch machines"></span> machines <span class="swatch people"></span> people{' '}
          <span class="swatch failed"></span> failed
        </p>
      </figure>
      <details>
        <summary>As a table</summary>
        <Table
          caption="What restores and drills took, the newest first"
          columns={['Ended', 'By', 'Machines', 'People', 'Result']}
          rows={times.map(({ at, by, machineSeconds, peopleSeconds, passed }) => ({
            key: `${at} ${by}`,
            cells: [
              formatTime(at),
              by,
              formatSeconds(machineSeconds),
              peopleText(peopleSeconds),
              passed ? 'passed' : 'failed',
            ],
          }))}
        />
      </details>
    </>
  );
}

function peopleText(seconds: number | null): string {
  return seconds === null ? 'not measured' : formatSeconds(seconds);
}

function dayOf(time: string): string {
  return formatTime(time).slice(0, 10);
}
