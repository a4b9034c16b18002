import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { type ChaosLab, startChaosLab } from './chaos-lab';
import type { Reference } from './instants';
import { type ChaosCase, chooseCases, fullMatrix } from './matrix';
import { caseLine, type CaseResult, lastLine, makeReport, resultTable, spreadTable } from './report';
import { keepLogs, measure, runCase } from './run-case';
import { type Scenario, SCENARIOS } from './scenarios';
import { runZombie, zombieCases, zombieLine, type ZombieResult } from './zombies';

const REFERENCE_RUNS = 2;

const USAGE = `Usage: npm run test:chaos -- [options]

Kills processes of a real installation at chosen instants, and checks that each run ends well by itself.

  --seed N         chooses the order of the cases, and which ones (default 1)
  --cases N        so many of them (default: all)
  --only PATTERN   only those whose name matches this regular expression, such as '^restore/.*/agent-a$'
  --minutes N      begins no further case after so many minutes
  --report FILE    writes the results as JSON
  --evidence DIR   keeps logs and histories of failed cases there
  --zombies        freezes agents inside destructive steps instead, and thaws them when the step was given up
  --list           names the cases and runs none
`;

interface Options {
  seed: number;
  cases: number | undefined;
  only: string | undefined;
  minutes: number;
  report: string | undefined;
  evidence: string | undefined;
  zombies: boolean;
  list: boolean;
}

function parseOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      cases: { type: 'string' },
      only: { type: 'string' },
      minutes: { type: 'string', default: 'Infinity' },
      report: { type: 'string' },
      evidence: { type: 'string' },
      zombies: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  return {
    seed: positive('seed', values.seed),
    cases: values.cases === undefined ? undefined : positive('cases', values.cases),
    only: values.only,
    minutes: values.minutes === 'Infinity' ? Infinity : positive('minutes', values.minutes),
    report: values.report,
    evidence: values.evidence,
    zombies: values.zombies,
    list: values.list,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TypeError(`--${name} must be a whole number above 0, not '${text}'.`);
}

async function main(): Promise<void> {
  let options: Options | null;
  let cases: ChaosCase[];
  try {
    options = parseOptions(process.argv.slice(2));
    cases = options === null ? [] : chooseCases(fullMatrix(SCENARIOS, options.seed), options);
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options === null) return say(USAGE.trimEnd());
  if (options.zombies) return thawZombies(options);
  if (options.list) return cases.forEach(({ id }) => say(id));

  const references = new Map<string, Reference>();
  const results: CaseResult[] = [];
  try {
    await runAll(cases, options, references, results);
  } finally {
    const medians = new Map([...references].map(([name, { milliseconds }]) => [name, milliseconds / 1_000]));
    const report = makeReport(options.seed, medians, results);
    say(`\n${resultTable(results)}\n\n${spreadTable(report.extraSeconds)}`);
    for (const [name, seconds] of medians) say(`undisturbed ${name}: ${seconds.toFixed(1)} s`);
    if (report.moot > 0) say(`${report.moot} cases had nothing to kill and don't count.`);
    if (options.report !== undefined) await writeFile(options.report, `${JSON.stringify(report, null, 2)}\n`);
    say(`\n${lastLine(report)}`);
    if (report.failed > 0) process.exitCode = 1;
  }
}

async function thawZombies({ only, cases, list, report, evidence }: Options): Promise<void> {
  const wanted = zombieCases(only).slice(0, cases);
  if (list) return wanted.forEach(({ id }) => say(id));
  const restore = SCENARIOS.find(({ name }) => name === 'restore') as Scenario;
  const results: ZombieResult[] = [];
  let chaos: ChaosLab | undefined;
  let reference: Reference | undefined;
  try {
    for (const item of wanted) {
      chaos ??= await freshLab();
      reference ??= await measure(chaos, restore, 1);
      const result = await runZombie(chaos, restore, item, reference);
      results.push(result);
      say(zombieLine(result));
      if (result.problems.length === 0) continue;
      if (evidence !== undefined) await keepLogs(chaos, item.id, evidence);
      await chaos.stop();
      chaos = undefined;
    }
  } finally {
    await chaos?.stop();
    if (report !== undefined) await writeFile(report, `${JSON.stringify(results, null, 2)}\n`);
    const failed = results.filter(({ problems }) => problems.length > 0).length;
    say(`\n${lastLine({ passed: results.length - failed, failed })}`);
    if (failed > 0) process.exitCode = 1;
  }
}

/** One lab serves many cases; after a failed one there is a new one. */
async function runAll(
  cases: readonly ChaosCase[],
  options: Options,
  references: Map<string, Reference>,
  results: CaseResult[],
): Promise<void> {
  const until = Date.now() + options.minutes * 60_000;
  let chaos: ChaosLab | undefined;
  try {
    for (const item of cases) {
      if (Date.now() > until) return;
      const scenario = SCENARIOS.find(({ name }) => name === item.scenario) as Scenario;
      chaos ??= await freshLab();
      const reference = references.get(scenario.name) ?? (await measured(chaos, scenario, references));
      const result = await runCase(chaos, scenario, item, reference);
      results.push(result);
      say(caseLine(result));
      if (result.outcome !== 'failed') continue;
      if (options.evidence !== undefined) await keepLogs(chaos, item.id, options.evidence);
      await chaos.stop();
      chaos = undefined;
    }
  } finally {
    await chaos?.stop();
  }
}

/** With generations in both repositories, so that there is something to restore, to catch up and to remove. */
async function freshLab(): Promise<ChaosLab> {
  const chaos = await startChaosLab();
  const backup = SCENARIOS[0] as Scenario;
  try {
    await measure(chaos, backup, 2);
  } catch (error) {
    await chaos.stop();
    throw error;
  }
  return chaos;
}

async function measured(chaos: ChaosLab, scenario: Scenario, references: Map<string, Reference>): Promise<Reference> {
  const reference = await measure(chaos, scenario, REFERENCE_RUNS);
  references.set(scenario.name, reference);
  say(`  ${scenario.name}, undisturbed: ${(reference.milliseconds / 1_000).toFixed(1)} s`);
  return reference;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
