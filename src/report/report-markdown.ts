import { formatBytes, formatSeconds } from '../contract/format';
import { describePlan, titleOf } from '../contract/plan-text';
import type { PhaseProgress, RecoveryReport } from '../contract/recovery';

/** The report of a recovery as a page, for the post-mortem. Holds no secret. */
export function reportMarkdown(report: RecoveryReport): string {
  const { cluster, status, run, startedAt, finishedAt, requestedBy, plan } = report;
  const sections = [
    `# ${titleOf(report)}: ${status}`,
    table(
      ['', ''],
      [
        ['run', run],
        ['started', startedAt],
        ['ended', finishedAt],
        ['asked for by', requestedBy],
        [
          'approved by',
          report.approvals.map(({ approver, at }) => `${approver} (${at})`).join(', ') || 'nobody had to',
        ],
        ['unsealed by', report.shares?.accepted.map(({ holder, at }) => `${holder} (${at})`).join(', ') || 'nobody'],
        [
          'RTO',
          `${formatSeconds(report.rtoSeconds)}: ${formatSeconds(report.rtoMachineSeconds)} machine, ${formatSeconds(report.rtoHumanSeconds)} waiting for people`,
        ],
        ['RPO', report.rpoSeconds === null ? 'nothing was lost' : formatSeconds(report.rpoSeconds)],
        ['new backup', backupOf(report)],
      ],
    ),
    ...(report.rollBack
      ? [
          `${report.rollBack.by} had the old data put back at ${report.rollBack.at}, from the phase ${report.rollBack.from}.`,
        ]
      : []),
    ...(plan
      ? [
          '## Plan',
          describePlan(plan)
            .map((line) => `- ${line}`)
            .join('\n'),
          stepsOf(plan.steps),
        ]
      : []),
    '## Phases',
    table(['phase', 'began', 'time', 'of it waiting for people'], report.phases.map(phaseRow)),
    '## Nodes',
    table(
      ['node', 'role', 'state', ''],
      report.nodes.map(({ name, role, state, detail }) => [name, role, state, detail ?? '']),
    ),
    ...(report.errors.length > 0
      ? [
          '## Errors met',
          table(
            ['at', 'phase', 'node', 'code', 'what', 'outcome'],
            report.errors.map(({ at, phase, node, code, problem, outcome }) => [
              at,
              phase,
              node ?? '',
              code,
              problem,
              outcome,
            ]),
          ),
        ]
      : []),
    ...(report.setAside.some(({ path }) => path !== null)
      ? [
          '## Old data directories',
          `Kept until ${report.setAsideUntil ?? 'somebody removes them'}: \`vault-dr remove-set-aside --cluster ${cluster} --run ${run}\``,
          table(
            ['node', 'path'],
            report.setAside.flatMap(({ node, path }) => (path === null ? [] : [[node, path]])),
          ),
        ]
      : []),
    ...(report.removed.length > 0
      ? [
          '## Removed',
          table(
            ['node', 'path', 'size'],
            report.removed.map(({ node, path, sizeBytes }) => [node, path, formatBytes(sizeBytes)]),
          ),
        ]
      : []),
    ...(report.warnings.length > 0 ? ['## Warnings', report.warnings.map((text) => `- ${text}`).join('\n')] : []),
  ];
  return `${sections.join('\n\n')}\n`;
}

function backupOf({ backup }: RecoveryReport): string {
  if (backup === null) return 'none was due';
  return 'generation' in backup ? backup.generation : `NONE: ${backup.problem}`;
}

function stepsOf(steps: { node: string; steps: string[] }[]): string {
  return steps
    .map(({ node, steps: list }) => [`- ${node}`, ...list.map((step) => `  1. ${step}`)].join('\n'))
    .join('\n');
}

function phaseRow({ phase, startedAt, finishedAt, humanSeconds }: PhaseProgress): string[] {
  const seconds = finishedAt === null ? null : (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000;
  return [
    phase,
    startedAt,
    seconds === null ? '' : formatSeconds(seconds),
    humanSeconds >= 0.1 ? formatSeconds(humanSeconds) : '',
  ];
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
