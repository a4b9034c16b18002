import { realpathSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import Table from 'cli-table3';
import { type Lab, startLab } from '../../src/lab/lab';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import type { ShapeName } from '../../src/lab/shapes';
import { memoryDirectoryOf } from '../../src/lab/sweep';
import { type History, HISTORIES, measure, readable, recordedHistories, type Replacements, scrub } from './history';
import { createStage, type Shape, SHAPES } from './shapes';

const USAGE = 'npm run record:histories [-- NAME …], with names of shapes';

/** Takes real labs through the shapes, by name or all of them, and replaces their recorded histories: `npm run record:histories`. */
async function main(names: readonly string[]): Promise<void> {
  const started = Date.now();
  const unknown = names.filter((name) => !SHAPES.some((shape) => shape.name === name));
  if (unknown.length > 0) throw new Error(`There is no shape ${unknown.join(', ')}. ${USAGE}`);
  const wanted = SHAPES.filter(({ name }) => names.length === 0 || names.includes(name));
  const table = new Table({
    head: ['history', 's', 'events', 'bytes', 'largest payload', 'in'],
    style: { head: [], border: [] },
  });
  const recorded = new Map<string, History>();
  for (const shape of new Set(wanted.map(({ lab = 'plain' }) => lab))) {
    const own = wanted.filter(({ lab = 'plain' }) => lab === shape);
    for (const [name, { history, seconds }] of await record(shape, own)) {
      recorded.set(name, history);
      const { events, bytes, largestPayload, largestIn } = measure(history);
      table.push([name, seconds.toFixed(1), events, bytes, largestPayload, largestIn]);
    }
  }
  // Only when all of them are there: half of a new set would be worse than the old one.
  await replaceAll(recorded, names.length === 0);
  say(`${table.toString()}\n${wanted.length} histories in ${((Date.now() - started) / 1_000).toFixed(0)} s`);
}

/** On one lab, in their order. */
async function record(
  labShape: ShapeName,
  wanted: readonly Shape[],
): Promise<Map<string, { history: History; seconds: number }>> {
  const recorded = new Map<string, { history: History; seconds: number }>();
  const lab = await startLab({ shape: labShape, onStep: say });
  try {
    const stage = createStage(lab);
    for (const shape of wanted) {
      const { name, workflowId } = shape;
      const from = Date.now();
      await shape.run(stage);
      const history = scrub(await historyOf(lab, workflowId), replacementsFor(lab));
      refuseTraces(name, history, lab);
      recorded.set(name, { history, seconds: (Date.now() - from) / 1_000 });
      say(`${name}: ${history.events.length} events`);
    }
  } finally {
    await lab.stop();
  }
  return recorded;
}

async function historyOf(lab: Lab, workflowId: string): Promise<History> {
  const { code, stdout, stderr } = await lab.temporalCli([
    'workflow',
    'show',
    '--workflow-id',
    workflowId,
    '--output',
    'json',
  ]);
  if (code !== 0) throw new Error(`the history of ${workflowId} can't be read: ${stderr}`);
  return JSON.parse(stdout) as History;
}

/** Paths and names of this machine; what is left of it (ports, process ids) is of no meaning anywhere else. */
function replacementsFor(lab: Lab): Replacements {
  const host = hostname();
  return new Map([
    [lab.directory, '/lab'],
    [memoryDirectoryOf(lab.id), '/lab-memory'],
    [lab.id, 'lab-id'],
    [PROJECT_ROOT, '/vault-dr'],
    // Where packages are installed may be elsewhere, behind a link.
    [dirname(realpathSync(join(PROJECT_ROOT, 'node_modules'))), '/vault-dr'],
    [homedir(), '/home/operator'],
    // A host may have the name of anything, so only where it stands for the host.
    [`@${host}`, '@host'],
    [`${host}/`, 'host/'],
    [`"host":"${host}"`, '"host":"host"'],
  ]);
}

function refuseTraces(name: string, history: History, lab: Lab): void {
  const text = readable(history);
  const forbidden = [lab.directory, lab.id, PROJECT_ROOT, lab.rootToken, ...lab.unsealShares, 'AGE-SECRET-KEY'];
  const found = forbidden.filter((item) => text.includes(item));
  // Which one is not said: it may be a secret.
  if (found.length > 0) throw new Error(`The history '${name}' holds ${found.length} texts that must not be in it.`);
}

async function replaceAll(recorded: Map<string, History>, isComplete: boolean): Promise<void> {
  await mkdir(HISTORIES, { recursive: true });
  const old = isComplete ? await recordedHistories() : [];
  for (const name of old) await rm(join(HISTORIES, `${name}.json`));
  for (const [name, history] of recorded) {
    await writeFile(join(HISTORIES, `${name}.json`), `${JSON.stringify(history, null, 1)}\n`);
  }
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.stack ?? error.message}\nThe histories are as they were.\n`);
  process.exitCode = 1;
});
