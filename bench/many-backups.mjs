// What the verbs that list backups cost as backups accumulate: npm run bench:backups -- --count 1000 --count 20000
// Each verb runs as a process of its own, on a directory and on a bucket. The bucket is kept in memory, because a real server
// takes most of an hour to store 120,000 objects: its requests count, its seconds don't. Needs a compiled project.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const USAGE = `usage: node bench/many-backups.mjs [--count 1000]… [--report FILE]

  --count NUMBER   of backups; repeatable (default: 1000, 5000 and 20000)
  --report FILE    write every figure as JSON
`;
/** In this order: what a verb reads of a bucket, those after it find on this host. */
const VERBS = [
  ['list', 'nothing known', ['list']],
  ['list', 'again', ['list']],
  ['list --limit 50', '', ['list', '--limit', '50']],
  ['list --limit 50', 'again', ['list', '--limit', '50']],
  ['show latest', '', ['show', 'latest']],
  ['diff', 'of two old ones', ['diff', 'OLD', 'OLDER']],
  ['list --all', 'nothing known of most', ['list', '--all']],
  ['list --all', 'again', ['list', '--all']],
  ['verify --chain', '', ['verify', '--chain']],
  ['prune --dry-run', 'of all but 30', ['prune', '--dry-run']],
];

const { counts, report } = parse(process.argv.slice(2));
const root = mkdtempSync(join(tmpdir(), 'many-backups-'));
const results = [];
try {
  for (const count of counts) {
    const { manyBackups, signingPair } = require('../dist/test/support/generation.js');
    const keys = signingPair();
    const backups = manyBackups(keys, count);
    await measure('directory', backups, keys);
    await measure('bucket', backups, keys);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(`\n${table()}`);

async function measure(kind, backups, keys) {
  const { MemoryS3 } = require('../dist/test/support/memory-s3.js');
  const place = join(root, `${kind}-${backups.length}`);
  mkdirSync(join(place, 'state'), { recursive: true, mode: 0o700 });
  const store = kind === 'bucket' ? await MemoryS3.start() : null;
  for (const { generation, files } of backups) {
    if (!store) mkdirSync(join(place, 'backups', 'prod', generation), { recursive: true, mode: 0o700 });
    for (const [file, bytes] of files) {
      if (store) store.store(`prod/${generation}/${file}`, bytes);
      else writeFileSync(join(place, 'backups', 'prod', generation, file), bytes);
    }
  }
  writeFileSync(join(place, 'signing.pub'), keys.publicKeyPem);
  writeFileSync(join(place, 'id'), 'any', { mode: 0o600 });
  writeFileSync(join(place, 'vault-dr.yaml'), configOf(place, store));
  const ids = { OLD: backups.at(-1).generation, OLDER: backups.at(-2).generation };
  for (const [verb, when, words] of VERBS) {
    store?.counted();
    const args = words.map((word) => ids[word] ?? word);
    const cost = await run(
      [...args, '--cluster', 'prod', '--config', join(place, 'vault-dr.yaml')],
      join(place, 'usage'),
    );
    results.push({ verb, when, kind, count: backups.length, requests: store?.counted().all ?? null, ...cost });
    console.log(lineOf(results.at(-1)));
    if (report) writeFileSync(report, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`);
  }
  await store?.stop();
  rmSync(place, { recursive: true, force: true });
}

function configOf(place, store) {
  const { sampleConfig } = require('../dist/test/support/sample-config.js');
  const config = sampleConfig({
    repositories: { place: join(place, 'backups') },
    publicKeyFile: join(place, 'signing.pub'),
  }).replace('retention: { last: 2,', 'retention: { last: 30,');
  const settings = store?.settings();
  const secret = `{ file: ${join(place, 'id')} }`;
  const bucket =
    settings &&
    `{ type: s3, bucket: ${settings.bucket}, endpoint: '${settings.endpoint}', forcePathStyle: true, ` +
      `credentials: { accessKeyId: ${secret}, secretAccessKey: ${secret} } }`;
  const placed = bucket ? config.replace(`{ type: directory, path: ${join(place, 'backups')} }`, bucket) : config;
  return `stateDir: ${join(place, 'state')}\n${placed}`;
}

/** Wall and CPU seconds and the greatest memory of one command. */
async function run(args, usageFile) {
  const hook = `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(usageFile)}, JSON.stringify(process.resourceUsage())))`;
  writeFileSync(`${usageFile}.cjs`, hook);
  const main = require.resolve('../dist/src/cli/main.js');
  const started = performance.now();
  const child = spawn(process.execPath, ['--require', `${usageFile}.cjs`, main, 'backups', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  const seconds = (performance.now() - started) / 1_000;
  if (code !== 0) throw new Error(`backups ${args.join(' ')} ended with ${code}: ${said}`);
  const { userCPUTime, systemCPUTime, maxRSS } = JSON.parse(require('node:fs').readFileSync(usageFile, 'utf8'));
  return { seconds, cpuSeconds: (userCPUTime + systemCPUTime) / 1e6, memoryMiB: maxRSS / 1024 };
}

function machine() {
  return { cpus: cpus().length, model: cpus()[0]?.model ?? '', load: loadavg() };
}

function lineOf({ verb, when, kind, count, requests, seconds, cpuSeconds, memoryMiB }) {
  const asked = requests === null ? '' : `, ${requests} requests`;
  return `${kind}, ${count}: ${verb}${when && ` (${when})`}: ${seconds.toFixed(1)} s, CPU ${cpuSeconds.toFixed(1)} s, ${memoryMiB.toFixed(0)} MiB${asked}`;
}

/** How each grows. */
function table() {
  const names = counts.map((count) => count.toLocaleString('en'));
  const lines = [`| where | command | ${names.join(' | ')} |`, `| --- | --- | ${names.map(() => '---').join(' | ')} |`];
  for (const kind of ['directory', 'bucket']) {
    for (const [verb, when] of VERBS) {
      const cells = counts.map((count) => {
        const found = results.find(
          (item) => item.kind === kind && item.verb === verb && item.when === when && item.count === count,
        );
        const asked = found.requests === null ? '' : `${found.requests} requests, `;
        return `${asked}${found.cpuSeconds.toFixed(1)} s CPU, ${found.memoryMiB.toFixed(0)} MiB`;
      });
      lines.push(`| ${kind} | ${verb}${when && `, ${when}`} | ${cells.join(' | ')} |`);
    }
  }
  return lines.join('\n');
}

function parse(args) {
  try {
    const { values } = parseArgs({
      args,
      options: { count: { type: 'string', multiple: true }, report: { type: 'string' } },
    });
    const wanted = (values.count ?? ['1000', '5000', '20000']).map((text) => {
      if (/^[1-9]\d{1,5}$/.test(text)) return Number(text);
      throw new Error(`--count: '${text}' is not a whole number from 10 on`);
    });
    return { counts: wanted, report: values.report };
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
