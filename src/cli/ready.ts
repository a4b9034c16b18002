import { parseInput, readinessInput } from '../contract/input';
import { printable } from '../contract/printable';
import type { ReadinessReport, ReadinessVerdict } from '../contract/readiness';
import { describeReadiness } from '../contract/voice/readiness-text';
import { connectClient } from '../temporal/connect-temporal';
import { evaluateNow, lastEvaluation } from '../temporal/readiness';
import { style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT, temporalOptions } from './program';

interface Options extends CommonOptions {
  cluster: string;
  as: string;
  last?: boolean;
  all?: boolean;
}

const EXIT_OF: Record<ReadinessVerdict, number> = { yes: EXIT.ok, no: EXIT.notReady, unchecked: EXIT.unchecked };
const MARK_OF = {
  yes: ['green', '✓'],
  no: ['red', '✗'],
  unchecked: ['yellow', '?'],
} as const;

export async function runReady(options: Options): Promise<void> {
  const { cluster, as: requestedBy } = options;
  const input = parseInput(readinessInput, { cluster, requestedBy }, 'vault-dr ready --cluster prod');
  const client = await connectClient(temporalOptions(options));
  try {
    const report = options.last ? await lastEvaluation(client, cluster) : await evaluateNow(client, input, note);
    process.exitCode = EXIT_OF[report.verdict];
    if (options.json) printJson('readiness', report);
    else print(renderReadiness(report, options.all === true));
  } finally {
    await client.connection.close();
  }
}

/** The verdict first, then what is to be done, and what is well in one line. */
export function renderReadiness(report: ReadinessReport, all: boolean): string {
  const { headline, facts, open, passed, passedLine } = describeReadiness(report);
  const [colour, mark] = MARK_OF[report.verdict];
  return [
    style(colour, `${mark} ${printable(headline)}`),
    ...facts.map((fact) => `  ${printable(fact)}`),
    ...open.flatMap(({ checks, verdict, seen, remedy }) => [
      '',
      `${style(MARK_OF[verdict][0], `${MARK_OF[verdict][1]} ${checks.join(', ')}`)}: ${verdict === 'unchecked' ? 'not checked: ' : ''}${printable(seen)}`,
      ...(remedy === null ? [] : [`    ${printable(remedy)}`]),
    ]),
    ...(open.length > 0 ? [''] : []),
    passedLine,
    ...(all ? passed.map(({ check, seen }) => `${style('green', `✓ ${check}`)}: ${printable(seen)}`) : []),
  ].join('\n');
}
