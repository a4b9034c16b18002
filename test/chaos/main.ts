import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { Campaign } from './campaign';
import { type ChaosCase, chooseCases, fullMatrix } from './matrix';
import { lastLine, makeReport, resultTable, spreadTable } from './report';
import { SCENARIOS } from './scenarios';
import { type ZombieCase, zombieCases } from './zombies';

const USAGE = `Usage: npm run test:chaos -- [options]

Kills processes of a real installation at chosen instants, then freezes and thaws agents inside destructive steps, and
checks that each run ends well by itself.

  --seed N         chooses the order of the cases, and which ones (default 1)
  --cases N        so many of the kills, and no agent frozen (default: all)
  --only PATTERN   only cases whose name matches this regular expression, such as '^restore/.*/agent-a$' or '^zombie/'
  --minutes N      begins no further case after so many minutes
  --report FILE    writes the results as JSON
  --evidence DIR   keeps logs and histories of failed cases there
  --list           names the cases and runs none
`;

interface Options {
  seed: number;
  cases: number | undefined;
  only: string | undefined;
  minutes: number | undefined;
  report: string | undefined;
  evidence: string | undefined;
  list: boolean;
}

function parseOptions(args: string[]): Options | null {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      cases: { type: 'string' },
      only: { type: 'string' },
      minutes: { type: 'string' },
      report: { type: 'string' },
      evidence: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const { seed, cases, minutes, only, report, evidence, list } = values;
  return {
    seed: positive('seed', seed),
    cases: cases === undefined ? undefined : positive('cases', cases),
    minutes: minutes === undefined ? undefined : positive('minutes', minutes),
    only,
    report,
    evidence,
    list,
  };
}

function positive(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number > 0) return number;
  throw new TypeError(`--${name} must be a whole number above 0, not '${text}'.`);
}

async function main(): Promise<void> {
  let options: Options | null;
  let kills: ChaosCase[] = [];
  let zombies: ZombieCase[] = [];
  try {
    options = parseOptions(process.argv.slice(2));
    if (options !== null) {
      kills = chooseCases(fullMatrix(SCENARIOS, options.seed), options);
      zombies = options.cases === undefined ? zombieCases(options.only) : [];
    }
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options === null) return say(USAGE.trimEnd());
  if (options.list) return [...kills, ...zombies].forEach(({ id }) => say(id));

  const { minutes = Infinity, evidence } = options;
  const campaign = new Campaign({ say, until: Date.now() + minutes * 60_000, evidence });
  endOnSignals(campaign);
  try {
    await campaign.kill(kills);
    await campaign.freeze(zombies);
  } finally {
    await campaign.stop();
    await summarise(campaign, options);
  }
}

async function summarise({ results, zombies, references }: Campaign, { seed, report: file }: Options): Promise<void> {
  const medians = new Map([...references].map(([name, { milliseconds }]) => [name, milliseconds / 1_000]));
  const report = makeReport(seed, medians, results);
  const thawedWell = zombies.filter(({ problems }) => problems.length === 0).length;
  if (results.length > 0) say(`\n${resultTable(results)}\n\n${spreadTable(report.extraSeconds)}\n`);
  for (const [name, seconds] of medians) say(`undisturbed ${name}: ${seconds.toFixed(1)} s`);
  if (report.moot > 0) say(`${report.moot} cases had nothing to kill and don't count.`);
  if (zombies.length > 0) say(`agents frozen and thawed: ${thawedWell}/${zombies.length}`);
  if (file !== undefined) await writeFile(file, `${JSON.stringify({ ...report, zombies }, null, 2)}\n`);
  const passed = report.passed + thawedWell;
  const failed = report.failed + zombies.length - thawedWell;
  say(`\n${lastLine({ passed, failed })}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

/** The lab ends with this process in any case; its temporary directory only so. */
function endOnSignals(campaign: Campaign): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void campaign.stop().finally(() => process.exit(code)));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
