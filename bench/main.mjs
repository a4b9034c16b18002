// Every figure of speed and size beside what a shell does: npm run bench. Needs what `npm run demo` installs, and a
// compiled project. One file per family of figures in figures/, the peers' scripts in peers/.
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import * as age from './figures/age.mjs';
import * as backup from './figures/backup.mjs';
import * as coldStart from './figures/cold-start.mjs';
import * as evaluations from './figures/evaluations.mjs';
import * as history from './figures/history.mjs';
import * as memory from './figures/memory.mjs';
import * as restore from './figures/restore.mjs';
import * as s3Requests from './figures/s3-requests.mjs';
import * as scale from './figures/scale.mjs';
import { bytesOf, MIB, percentile, sizeText, wholeNumber } from './shared.mjs';

const require = createRequire(import.meta.url);
/** In this order: what fills the cluster comes after what wants it small. */
const FAMILIES = {
  'cold-start': coldStart,
  scale,
  evaluations,
  age,
  memory,
  's3-requests': s3Requests,
  history,
  backup,
  restore,
};
const RESULTS = new URL('results.md', import.meta.url);
const USAGE = `usage: npm run bench -- [--only FAMILY]… [--size 64MiB] [--runs 5] [--clusters 1]… [--report FILE] [--write]

  --only FAMILY    ${Object.keys(FAMILIES).join(', ')}; repeatable (default: all)
  --size SIZE      of the data of a large backup and of what age encrypts, in KiB, MiB or GiB (default: 64MiB)
  --runs NUMBER    of each figure; the median counts (default: 5; a restore is measured once)
  --clusters COUNT simulated clusters that are due at once; repeatable (default: 1, 10 and 100)
  --report FILE    write the figures as JSON: [{ figure, value, unit, target, holds, … }]
  --write          write the table to bench/results.md
`;

const options = parse(process.argv.slice(2));
const before = loadavg();
const bench = { ...options, say: (text) => process.stderr.write(`${text}\n`), lab: null };
const rows = [];
try {
  for (const name of options.only) {
    const { usesLab, measure } = FAMILIES[name];
    if (usesLab) bench.lab ??= await startLab();
    bench.say(`${name} …`);
    rows.push(...(await measure(bench)).map((row) => finished(name, row)));
    if (options.report) writeFileSync(options.report, `${JSON.stringify(rows, null, 2)}\n`);
  }
} finally {
  await bench.lab?.stop();
}
const text = table(rows);
process.stdout.write(`${text}\n`);
if (options.write) writeFileSync(RESULTS, page(text));

/** Auto-unsealed, so that no person's time is in the figures. */
function startLab() {
  return require('../dist/src/lab/lab.js').startLab({ nodes: 3, seal: 'transit' });
}

function finished(family, { figure, unit, target = null, values, peer = null }) {
  const value = percentile(values, 0.5);
  return {
    family,
    figure,
    value,
    unit,
    target,
    holds: target === null ? null : value <= target,
    values,
    peer: peer && { ...peer, value: percentile(peer.values, 0.5) },
  };
}

/** Markdown that is also readable in a terminal. */
function table(all) {
  const head = ['figure', 'unit', 'vault-dr', 'target', 'holds', 'a shell', 'ratio'];
  const cells = all.map(({ figure, unit, value, target, holds, values, peer }) => [
    figure,
    unit,
    shown(values),
    target === null ? '' : String(target),
    holds === null ? '' : holds ? 'yes' : '**no**',
    peer === null ? '' : `${shown(peer.values)} (${peer.name})`,
    peer === null || peer.value === 0 ? '' : (value / peer.value).toFixed(2),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...cells.map((row) => row[column].length)));
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...cells.map(line)].join('\n');
}

/** Median, and from the least to the most where they differ. */
function shown(values) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const median = rounded(percentile(values, 0.5));
  return least === most ? median : `${median} (${rounded(least)} to ${rounded(most)})`;
}

function rounded(value) {
  return value.toFixed(Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

function page(text) {
  const load = [before, loadavg()].map(([minute]) => minute.toFixed(1)).join(' at its beginning, ');
  return [
    '# Results of npm run bench',
    '',
    `Written by \`npm run bench -- --write\` on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} cores, ` +
      `${(totalmem() / 1024 / MIB).toFixed(0)} GiB, Node ${process.version}, load ${load} at its end;`,
    `data of ${sizeText(options.size)}, ${options.runs} runs of each. Median, and in brackets the least and the most.`,
    'Counts and memory say the same anywhere. CPU varies with the load, and wall times only compare within a row.',
    '',
    text,
    '',
  ].join('\n');
}

function parse(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        only: { type: 'string', multiple: true },
        size: { type: 'string', default: '64MiB' },
        runs: { type: 'string', default: '5' },
        clusters: { type: 'string', multiple: true },
        report: { type: 'string' },
        write: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const asked = values.only?.flatMap((text) => text.split(',')) ?? Object.keys(FAMILIES);
    const strange = asked.find((name) => !Object.hasOwn(FAMILIES, name));
    if (strange !== undefined) throw new TypeError(`there are no figures '${strange}'`);
    return {
      only: Object.keys(FAMILIES).filter((name) => asked.includes(name)),
      size: bytesOf(values.size),
      runs: wholeNumber('--runs', values.runs),
      clusters: (values.clusters ?? ['1', '10', '100']).map((text) => wholeNumber('--clusters', text)),
      report: values.report,
      write: values.write,
    };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
