import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { whyNoContainers } from '../support/container';
import { NO_ACTS, type Outcome, type Scenario } from './scenario';
import { allScenarios } from './scenarios';
import { type Site, startSite, whatIsMissing } from './site';

/** Of Debian: iproute2, iptables, mount, e2fsprogs. */
const PROGRAMS = ['ip', 'iptables', 'mount', 'mkfs.ext4'];

const USAGE = `Usage: npm run test:hosts -- [options]

Boots a site of Debian hosts with systemd (three of Vault, two of controllers, Temporal on PostgreSQL, S3), installs
vault-dr on them, and lets one thing after the other befall it. Needs root, debootstrap and systemd-nspawn.

  --only PATTERN   only scenarios whose name matches this regular expression, such as '^power/install/'
  --minutes N      begins no further scenario after so many minutes
  --deb FILE       installs this package, not one made of this checkout
  --report FILE    writes the results as JSON
  --cached         skips them all where images or servers would have to be made first
  --list           names the scenarios and runs none
`;

interface Result extends Outcome {
  name: string;
  seconds: number;
  problem: string | null;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(2),
    options: {
      only: { type: 'string', default: '' },
      minutes: { type: 'string', default: 'Infinity' },
      report: { type: 'string' },
      deb: { type: 'string' },
      cached: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const only = new RegExp(values.only);
  const minutes = Number(values.minutes);
  if (!(minutes > 0)) throw new TypeError(`--minutes must be a number above 0, not '${values.minutes}'.`);
  if (values.help) return say(USAGE.trimEnd());
  const scenarios = allScenarios().filter(({ name }) => only.test(name));
  if (scenarios.length === 0) throw new TypeError(`No scenario matches ${values.only}.`);
  if (values.list) return scenarios.forEach(({ name }) => say(name));
  const reason = whyNoContainers(PROGRAMS) ?? (values.cached ? await whatIsMissing() : null);
  if (reason !== null) return say(`0 passed, 0 failed, ${scenarios.length} skipped: ${reason}`);

  const results = await runAll(scenarios, Date.now() + minutes * 60_000, values.deb);
  say(`\n${table(results)}\n`);
  if (values.report !== undefined) await writeFile(values.report, `${JSON.stringify(results, null, 2)}\n`);
  const failed = results.filter(({ problem }) => problem !== null).length;
  const left = scenarios.length - results.length;
  say(`${results.length - failed} passed, ${failed} failed${left > 0 ? `, ${left} not begun in time` : ''}`);
  if (failed > 0 || results.length === 0) process.exitCode = 1;
}

async function runAll(scenarios: Scenario[], until: number, deb?: string): Promise<Result[]> {
  const begun = Date.now();
  const step = (text: string) => say(`${((Date.now() - begun) / 1_000).toFixed(0).padStart(5)} s  ${text}`);
  const site = await startSite(step, deb);
  endOnSignals(site);
  const results: Result[] = [];
  try {
    for (const scenario of scenarios) {
      if (Date.now() > until) break;
      const result = await runOne(site, scenario);
      results.push(result);
      step(`${result.problem === null ? 'passed' : 'FAILED'}  ${result.name}  ${result.problem ?? result.note ?? ''}`);
    }
  } finally {
    await site.stop();
  }
  return results;
}

/** Whatever it leaves is set right before the next one, and not counted. */
async function runOne(site: Site, scenario: Scenario): Promise<Result> {
  const { name } = scenario;
  const begun = Date.now();
  const seconds = () => (Date.now() - begun) / 1_000;
  let result: Result;
  try {
    const outcome = await scenario.run(site);
    result = { name, seconds: seconds(), problem: null, ...outcome };
  } catch (error) {
    result = { name, seconds: seconds(), problem: (error as Error).message, acts: NO_ACTS };
  }
  try {
    await site.heal();
  } catch (error) {
    const problem = `the site is not well afterwards: ${(error as Error).message}`;
    return { ...result, problem: [result.problem, problem].filter(Boolean).join('; ') };
  }
  return result;
}

function table(results: Result[]): string {
  const rows = new Table({ head: ['scenario', 's', 'approvals', 'shares', 'other acts', ''], style: { head: [] } });
  for (const { name, seconds, acts, problem, note } of results) {
    const { approvals, shares, others } = acts;
    rows.push([name, seconds.toFixed(0), approvals, shares, others.join(', ') || 'none', problem ?? note ?? '']);
  }
  return rows.toString();
}

function endOnSignals(site: Site): void {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void site.stop().finally(() => process.exit(code)));
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  if (error instanceof TypeError || error instanceof SyntaxError) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
    return;
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
