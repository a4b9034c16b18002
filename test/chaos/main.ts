import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { shapeNamed, type ShapeName } from '../../src/lab/shapes';
import { Campaign } from './campaign';
import { controllerCases, type ControllerCase, killControllers } from './controllers-campaign';
import { type ChaosCase, chooseCases, everythingMatrix, fullMatrix, type Part, takePart } from './matrix';
import { lastLine, makeReport, mergeReports, resultTable, spreadTable, type StoredReport } from './report';
import { scenariosFor } from './scenarios';
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
  --shape NAME     a lab of this shape, such as data-link, whose data is set aside inside its volumes (default: plain)
  --controllers 2  two controllers on one queue, of which one dies for good at each step; what a second one costs
  --part K/N       only every Nth of these cases, from the Kth on: for several labs at once
  --list           names the cases and runs none
  --merge FILE     runs none, but adds up what --report wrote; once for each file
`;

interface Options {
  seed: number;
  cases: number | undefined;
  only: string | undefined;
  minutes: number | undefined;
  report: string | undefined;
  evidence: string | undefined;
  shape: ShapeName;
  controllers: 1 | 2;
  part: Part;
  list: boolean;
  merge: string[];
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
      shape: { type: 'string', default: 'plain' },
      controllers: { type: 'string', default: '1' },
      part: { type: 'string', default: '1/1' },
      list: { type: 'boolean', default: false },
      merge: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return null;
  const { seed, cases, minutes, only, report, evidence, list, merge } = values;
  return {
    seed: positive('seed', seed),
    cases: cases === undefined ? undefined : positive('cases', cases),
    minutes: minutes === undefined ? undefined : positive('minutes', minutes),
    only,
    report,
    evidence,
    shape: shapeOf(values.shape),
    controllers: controllersOf(values.controllers),
    part: partOf(values.part),
    list,
    merge,
  };
}

function shapeOf(name: string): ShapeName {
  try {
    return shapeNamed(name);
  } catch (error) {
    throw new TypeError(`${(error as Error).message} See \`vault-dr lab up --help\`.`);
  }
}

function controllersOf(text: string): 1 | 2 {
  if (text === '1' || text === '2') return text === '1' ? 1 : 2;
  throw new TypeError(`--controllers must be 1 or 2, not '${text}'.`);
}

function partOf(text: string): Part {
  const [part = NaN, of = NaN] = /^\d+\/\d+$/.test(text) ? text.split('/').map(Number) : [];
  if (part >= 1 && part <= of) return { part, of };
  throw new TypeError(`--part must be like 2/3, not '${text}'.`);
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
  let gone: ControllerCase[] = [];
  let reports: StoredReport[] = [];
  try {
    options = parseOptions(process.argv.slice(2));
    if (options?.controllers === 2) {
      gone = takePart(controllerCases(options), options.part).slice(0, options.cases);
    } else if (options !== null) {
      const scenarios = scenariosFor(options.shape);
      kills = takePart(
        chooseCases([...fullMatrix(scenarios, options.seed), ...everythingMatrix(scenarios, options.seed)], options),
        options.part,
      );
      zombies = options.cases === undefined ? takePart(zombieCases(options.only), options.part) : [];
      reports = await readReports(options.merge);
    }
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof SyntaxError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  if (options === null) return say(USAGE.trimEnd());
  if (options.list) return [...kills, ...zombies, ...gone].forEach(({ id }) => say(id));
  if (reports.length > 0) return summarise(mergeReports(reports), options);

  const { minutes = Infinity, evidence, shape } = options;
  if (options.controllers === 2) return loseControllers(gone, options);
  const campaign = new Campaign({ say, until: Date.now() + minutes * 60_000, evidence, shape });
  endOnSignals(campaign);
  try {
    await campaign.kill(kills);
    await campaign.freeze(zombies);
  } finally {
    await campaign.stop();
    await summarise(reportOf(campaign, options), options);
  }
}

async function loseControllers(cases: readonly ControllerCase[], { minutes = Infinity, report: file }: Options) {
  const report = await killControllers(cases, { say, until: Date.now() + minutes * 60_000 });
  if (file !== undefined) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  const passed = report.results.filter(({ problems }) => problems.length === 0).length;
  const failed = report.results.length - passed;
  say(`\n${lastLine({ passed, failed })}`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

function reportOf({ results, zombies, references }: Campaign, { seed }: Options): StoredReport {
  const medians = new Map([...references].map(([name, { milliseconds }]) => [name, milliseconds / 1_000]));
  return { ...makeReport(seed, medians, results), zombies };
}

/** @throws TypeError if a file is not what `--report` writes. */
async function readReports(files: string[]): Promise<StoredReport[]> {
  return Promise.all(
    files.map(async (file) => {
      const report = await readFile(file, 'utf8')
        .then((text) => JSON.parse(text) as Partial<StoredReport> | null)
        .catch((error: Error) => {
          throw new TypeError(`--merge ${file}: ${error.message}`);
        });
      if (Array.isArray(report?.results) && Array.isArray(report.zombies) && report.reference)
        return report as StoredReport;
      throw new TypeError(`--merge ${file}: this is not what --report writes.`);
    }),
  );
}

async function summarise(report: StoredReport, { report: file }: Options): Promise<void> {
  const { results, zombies, reference, extraSeconds, moot } = report;
  const thawedWell = zombies.filter(({ problems }) => problems.length === 0).length;
  if (results.length > 0) say(`\n${resultTable(results)}\n\n${spreadTable(extraSeconds)}\n`);
  for (const [name, seconds] of Object.entries(reference)) say(`undisturbed ${name}: ${seconds.toFixed(1)} s`);
  if (moot > 0) say(`${moot} cases had nothing to kill and don't count.`);
  if (zombies.length > 0) say(`agents frozen and thawed: ${thawedWell}/${zombies.length}`);
  if (file !== undefined) await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
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
