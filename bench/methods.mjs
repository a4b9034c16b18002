// What each method of backup costs, side by side, on real clusters: npm run bench:methods -- --size 64MiB --size 1GiB
// For each size and method one lab of three auto-unsealed Vaults, so that no person's time is in the figures. Needs what
// `npm run demo` installs, Consul for that method, and a compiled project. docs/methods.md explains the figures.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  accepted,
  bytesOf,
  fill,
  json,
  MIB,
  number,
  percentile,
  restored,
  sizeText,
  spread,
  timed,
  wholeNumber,
} from './shared.mjs';

const require = createRequire(import.meta.url);
const SHAPES = { raft: 'plain', filesystem: 'raft-copied', consul: 'consul-storage' };
const WRITE_BYTES = 1024;
const BETWEEN_WRITES_MS = 20;
const CHECK_EVERY_MS = 100;
const CLUSTER = 'lab';
const WRITES = 'secret/data/bench-writes';
const USAGE = `usage: node bench/methods.mjs [--size 64MiB]… [--method raft]… [--runs 3] [--idle 15] [--report FILE]

  --size SIZE      of the data, in KiB, MiB or GiB; repeatable (default: 64MiB)
  --method METHOD  ${Object.keys(SHAPES).join(', ')}; repeatable (default: all)
  --runs NUMBER    backups of each (default: 3)
  --idle SECONDS   for which the writer is measured before the first backup (default: 15)
  --report FILE    write every figure as JSON
`;

const options = parse(process.argv.slice(2));
const report = {
  startedAt: new Date().toISOString(),
  finishedAt: null,
  machine: { cpus: cpus().length, model: cpus()[0]?.model ?? '', memoryBytes: totalmem(), loadBefore: loadavg() },
  writer: { bytes: WRITE_BYTES, pauseMilliseconds: BETWEEN_WRITES_MS },
  runs: options.runs,
  idleSeconds: options.idle,
  results: [],
};
for (const size of options.sizes) {
  for (const method of options.methods) {
    const result = await measure(method, size);
    report.results.push(result);
    report.finishedAt = new Date().toISOString();
    if (options.report) writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`);
  }
}
console.log(`\n${table(report.results)}`);

async function measure(method, size) {
  const { startLab } = require('../dist/src/lab/lab.js');
  const { leaderOf } = require('../dist/test/support/lab-view.js');
  const lab = await startLab({ shape: SHAPES[method], seal: 'transit' });
  const say = (text) => console.log(`${method}, ${sizeText(size)}: ${text}`);
  try {
    const leader = await leaderOf(lab);
    const { body: status } = await lab.vault(leader, 'GET', 'sys/seal-status');
    const fillSeconds = await timed(() => fill(lab, leader, size));
    say(`filled in ${fillSeconds.toFixed(0)} s`);

    const writer = startWriter(lab, leader);
    await sleep(options.idle * 1_000);
    const idle = summary(writer.take());
    const backups = [];
    const during = [];
    let last;
    for (let run = 0; run < options.runs; run++) {
      const outage = watchNodes(lab);
      writer.take();
      const startedAt = Date.now();
      const { generation, capturedAt, sizeBytes } = await json(lab, ['backup', '--cluster', CLUSTER]);
      const endedAt = Date.now();
      const writes = writer.take();
      during.push(...writes);
      last = { generation, endedAt };
      const backup = {
        seconds: (endedAt - startedAt) / 1_000,
        storedBytes: sizeBytes,
        ageAtEndSeconds: (endedAt - Date.parse(capturedAt)) / 1_000,
        longestOutageSeconds: await outage.end(),
        writer: summary(writes),
      };
      backups.push(backup);
      say(`backup in ${backup.seconds.toFixed(1)} s, ${(sizeBytes / MIB).toFixed(1)} MiB stored`);
      if (run + 1 < options.runs) await sleep(2_000);
    }
    await writer.end();

    const restore = await restored(lab, last.generation);
    say(`restored in ${restore.stopToAllSeconds.toFixed(1)} s`);
    const lost = await firstLost(lab, writer.acknowledged);
    return {
      method,
      sizeBytes: size,
      version: status.version,
      fillSeconds,
      writer: { idle, during: summary(during) },
      backups,
      // What a disaster right after the backup would cost, measured: nothing in between is assumed.
      lossSeconds: lost === null ? 0 : (last.endedAt - lost.at) / 1_000,
      lostWrites: lost === null ? 0 : lost.count,
      restore,
    };
  } finally {
    await lab.stop();
  }
}

/** One client that writes one secret after the other through the node that leads. */
function startWriter(lab, node) {
  const value = randomBytes((WRITE_BYTES * 3) / 4).toString('base64');
  const acknowledged = [];
  let taken = [];
  let goesOn = true;
  const running = (async () => {
    for (let number = 0; goesOn; number++) {
      const from = performance.now();
      const failed = await accepted(lab, node, `${WRITES}/${number}`, { data: { value } }).then(
        () => false,
        () => true,
      );
      taken.push({ milliseconds: performance.now() - from, failed });
      if (!failed) acknowledged.push({ number, at: Date.now() });
      await sleep(BETWEEN_WRITES_MS);
    }
  })();
  return {
    acknowledged,
    take() {
      const before = taken;
      taken = [];
      return before;
    },
    async end() {
      goesOn = false;
      await running;
    },
  };
}

/** The longest time for which any one node did not serve. */
function watchNodes(lab) {
  let goesOn = true;
  let longest = 0;
  const watch = async (name) => {
    let downSince = null;
    while (goesOn) {
      const at = performance.now();
      const serves = await lab.vault(name, 'GET', 'sys/seal-status').then(
        ({ status, body }) => status === 200 && body.sealed === false,
        () => false,
      );
      if (serves) downSince = null;
      else longest = Math.max(longest, performance.now() - (downSince ??= at));
      await sleep(CHECK_EVERY_MS);
    }
  };
  const running = Promise.all(lab.nodes.map(({ name }) => watch(name)));
  return {
    async end() {
      goesOn = false;
      await running;
      return longest / 1_000;
    },
  };
}

/** The first acknowledged write that the backup does not have, and how many there are; null when it has all of them. */
async function firstLost(lab, acknowledged) {
  const { status, body } = await lab.vault(lab.nodes[0].name, 'LIST', WRITES.replace('/data/', '/metadata/'));
  if (status !== 200) throw new Error(`listing what was written answered ${status}`);
  const present = new Set(body.data.keys.map(Number));
  const lost = acknowledged.filter(({ number }) => !present.has(number));
  return lost.length === 0 ? null : { at: lost[0].at, count: lost.length };
}

function summary(writes) {
  const good = writes.filter(({ failed }) => !failed).map(({ milliseconds }) => milliseconds);
  return {
    writes: writes.length,
    errors: writes.length - good.length,
    p50: percentile(good, 0.5),
    p99: percentile(good, 0.99),
    most: percentile(good, 1),
  };
}

function table(results) {
  const head = ['size', 'method', 'backup s', 'MiB', 'loss s', 'outage s', 'p50 ms', 'p99 ms', 'errors', 'restore s'];
  const rows = results.map(({ method, sizeBytes, backups, lossSeconds, writer: { idle, during }, restore }) => [
    sizeText(sizeBytes),
    method,
    spread(backups.map(({ seconds }) => seconds)),
    (backups.at(-1).storedBytes / MIB).toFixed(1),
    lossSeconds.toFixed(1),
    spread(backups.map(({ longestOutageSeconds }) => longestOutageSeconds)),
    `${number(idle.p50)} > ${number(during.p50)}`,
    `${number(idle.p99)} > ${number(during.p99)}`,
    `${during.errors} of ${during.writes}`,
    restore.stopToAllSeconds.toFixed(1),
  ]);
  const widths = head.map((name, column) => Math.max(name.length, ...rows.map((row) => row[column].length)));
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function parse(args) {
  try {
    const repeated = { type: 'string', multiple: true };
    const { values } = parseArgs({
      args,
      options: {
        size: repeated,
        method: repeated,
        runs: { type: 'string', default: '3' },
        idle: { type: 'string', default: '15' },
        report: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    // Also `--size 64MiB,1GiB`.
    const sizes = (values.size ?? ['64MiB']).flatMap((text) => text.split(',')).map(bytesOf);
    const methods = (values.method ?? Object.keys(SHAPES)).flatMap((text) => text.split(','));
    const strange = methods.find((method) => !Object.hasOwn(SHAPES, method));
    if (strange !== undefined) throw new TypeError(`there is no method '${strange}'`);
    return {
      sizes,
      methods,
      runs: wholeNumber('--runs', values.runs),
      idle: wholeNumber('--idle', values.idle),
      report: values.report,
    };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
