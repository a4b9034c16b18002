import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { type Document, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import type { configSchema } from '../../src/config/schema';
import type { Manifest } from '../../src/contract/generation';
import { type Lab, startLab } from '../../src/lab/lab';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { createStage, type Stage } from '../replay/shapes';
import {
  encoded,
  type InstallationFacts,
  type InstallationName,
  INSTALLATIONS,
  type KeptSecrets,
  NEXT,
  type KeptRelease,
  keptReleases,
  PLACES,
  readRelease,
  RELEASE_FILE,
  RELEASES,
} from './kept';

type RawConfig = z.input<typeof configSchema>;

const EXAMPLES = ['openbao-static-seal', 'single-node', 'three-nodes', 'two-clouds'];
const CONFIGURATIONS = EXAMPLES.map((name) => `examples/${name}/vault-dr.yaml`);
/** The same everywhere: what is signed names it. */
const LAB = '/tmp/vault-dr-release';
const CONTROLLER = 'controller-1';
/** Of an agent's own directory; what is larger is a copy of a backup. */
const LARGEST_STATE_BYTES = 64 * 1024;
/** Every release brings as much again. */
const LARGEST_RELEASE_BYTES = 2 * 1024 ** 2;

const USAGE = 'npm run record:release [-- NAME …], with names of installations';

/**
 * Takes real labs through what leaves something behind, and keeps it for the next release: `npm run record:release`. With
 * names: only these installations; what was recorded of the others stays.
 */
async function main(wanted: readonly string[]): Promise<void> {
  const started = Date.now();
  const names = Object.keys(INSTALLATIONS) as InstallationName[];
  const unknown = wanted.filter((name) => !names.some((known) => known === name));
  if (unknown.length > 0) throw new Error(`There is no installation ${unknown.join(', ')}. ${USAGE}`);
  const hash = [join(PROJECT_ROOT, 'scripts/writing-code.mjs')];
  const code = (await promisify(execFile)(process.execPath, hash, { cwd: PROJECT_ROOT })).stdout.trim();
  // Moved when it is whole.
  const partial = join(PROJECT_ROOT, 'build', 'release');
  const next = join(RELEASES, NEXT);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  if (wanted.length > 0) await cp(next, partial, { recursive: true }).catch(ignoreMissing);
  const facts: KeptRelease = wanted.length > 0 && keptReleases().includes(NEXT) ? readRelease(NEXT) : {};
  for (const name of names.filter((item) => wanted.length === 0 || wanted.includes(item))) {
    await rm(join(partial, name), { recursive: true, force: true });
    facts[name] = await record(name, join(partial, name), code);
  }
  for (const file of CONFIGURATIONS) {
    await cp(join(PROJECT_ROOT, file), join(partial, 'configurations', `${basename(dirname(file))}.yaml`));
  }
  await cp(join(PROJECT_ROOT, 'schemas/vault-dr.schema.json'), join(partial, 'vault-dr.schema.json'));
  await writeJson(join(partial, RELEASE_FILE), facts);
  const bytes = await check(partial);
  await rm(next, { recursive: true, force: true });
  await rename(partial, next);
  const seconds = ((Date.now() - started) / 1_000).toFixed(0);
  say(`test/releases/${NEXT}: ${(bytes / 1024).toFixed(0)} KiB in ${seconds} s`);
}

async function record(name: InstallationName, to: string, code: string): Promise<InstallationFacts> {
  const lab = await startLab({ directory: LAB, shape: INSTALLATIONS[name], onStep: say });
  try {
    await mkdir(to, { recursive: true });
    await reconfigure(lab, (config) => config.set('controller', { name: CONTROLLER }));
    const [secret] = await lab.writeSecrets(1);
    const facts = await ACTS[name](createStage(lab), to);
    await lab.controller.stop();
    await keep(lab, to);
    say(`${name}: ${facts.backups.map(({ id }) => id).join(', ')}`);
    return { code, ...facts, secret: secret! };
  } finally {
    await lab.stop();
  }
}

const NOTHING_MORE = { pinned: [], restored: [], runs: [], inProgress: null, invited: [] };

const ACTS: Record<
  InstallationName,
  (stage: Stage, to: string) => Promise<Omit<InstallationFacts, 'code' | 'secret'>>
> = {
  async raft(stage, to) {
    const { lab, driver } = stage;
    const encryption = ['clusters', 'lab', 'backup', 'encryption'];
    const { clusters } = parse(await readFile(lab.configFile, 'utf8')) as RawConfig;
    await reconfigure(lab, (config) => config.setIn(encryption, 'none'));
    await stage.backUp();
    await reconfigure(lab, (config) => config.setIn(encryption, clusters['lab']?.backup?.encryption));
    await stage.backUp();
    const [plain, encrypted] = await backupsOf(stage);
    const [pinned, restored] = [[plain!.id], [encrypted!.id]];
    await driver.json(['backups', 'pin', plain!.id, '--cluster', 'lab', '--reason', 'the first one of all']);
    const invited = lab.nodes.slice(1).map(({ name }) => name);
    for (const node of invited) await driver.json(['enrol', 'invite', '--cluster', 'lab', '--node', node]);
    await lab.destroyDataDirectories();
    await stage.planRestore();
    await driver.approve();
    await driver.reached('unseal');
    await keepHosts(lab, join(to, PLACES.hostsInProgress));
    await stage.unseal();
    const { run } = await driver.result();
    return { backups: await backupsOf(stage), pinned, restored, runs: [run], inProgress: run, invited };
  },
  async filesystem(stage) {
    await Promise.all([stage.backUp(), stage.unseal()]);
    return { ...NOTHING_MORE, backups: await backupsOf(stage) };
  },
  async consul(stage) {
    await stage.backUp();
    return { ...NOTHING_MORE, backups: await backupsOf(stage) };
  },
};

/** Oldest first. */
async function backupsOf({ driver }: Stage): Promise<InstallationFacts['backups']> {
  const listed = ['backups', 'list', '--cluster', 'lab'];
  const { copies } = await driver.json<{ copies: { repository: string; manifest: Manifest }[] }>(listed);
  return copies
    .filter(({ repository }) => repository === 'local')
    .map(({ manifest: { generation: id, content, encryption } }) => ({
      id,
      method: content?.method ?? ('raft' as const),
      encryption: encryption.method,
    }))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
}

async function reconfigure(lab: Lab, change: (config: Document) => void): Promise<void> {
  const config = parseDocument(await readFile(lab.configFile, 'utf8'));
  change(config);
  await writeFile(lab.configFile, config.toString());
  await lab.controller.stop();
  await lab.controller.start();
}

async function keep(lab: Lab, to: string): Promise<void> {
  const config = await readFile(lab.configFile, 'utf8');
  await writeFile(join(to, PLACES.config), config.replaceAll(homedir(), '/home/operator'));
  await cp(join(LAB, 'signing-key.pub.pem'), join(to, PLACES.publicKey));
  await cp(lab.localRepository, join(to, PLACES.repository), { recursive: true });
  // Not signed, and nothing depends on it.
  const heads = join(to, PLACES.repository, 'lab', 'audit');
  for (const name of await readdir(heads)) {
    const text = await readFile(join(heads, name), 'utf8');
    await writeFile(join(heads, name), text.replace(`"host":"${hostname()}"`, `"host":"${CONTROLLER}"`));
  }
  for (const name of ['audit.jsonl', 'reports']) {
    await cp(join(LAB, 'controller', name), join(to, PLACES.controller, name), { recursive: true }).catch(
      ignoreMissing,
    );
  }
  await cp(join(LAB, 'enrolment'), join(to, PLACES.enrolment), { recursive: true }).catch(ignoreMissing);
  await keepHosts(lab, join(to, PLACES.hosts));
  const secrets: KeptSecrets = {
    unsealShares: [...lab.unsealShares],
    rootToken: lab.rootToken,
    files: await textsIn(join(LAB, 'secrets')),
    agentKeys: Object.fromEntries(
      await Promise.all(
        lab.nodes.map(async ({ name, stateDir }) => [name, await readFile(join(stateDir, AGENT_KEY), 'utf8')]),
      ),
    ) as Record<string, string>,
  };
  await writeJson(join(to, PLACES.secrets), encoded(secrets));
}

const AGENT_KEY = 'agent-key.pem';

/** What agents keep for themselves, and nothing of Vault's. */
async function keepHosts(lab: Lab, to: string): Promise<void> {
  for (const { name, stateDir } of lab.nodes) {
    await cp(stateDir, join(to, name), {
      recursive: true,
      filter: async (path) => basename(path) !== AGENT_KEY && (await stat(path)).size <= LARGEST_STATE_BYTES,
    });
  }
}

async function textsIn(directory: string): Promise<Record<string, string>> {
  const names = await readdir(directory);
  const texts = names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const);
  return Object.fromEntries(await Promise.all(texts));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** @returns how many bytes it has. @throws Error when it is too large, or names this machine. */
async function check(directory: string): Promise<number> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const traces = [PROJECT_ROOT, `${homedir()}/`, `"${hostname()}"`, `@${hostname()}`];
  let bytes = 0;
  for (const entry of entries.filter((item) => item.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const content = await readFile(file);
    bytes += content.length;
    const found = traces.filter((trace) => content.includes(trace));
    if (found.length > 0) throw new Error(`${file} names ${found.join(', ')}.`);
  }
  if (bytes > LARGEST_RELEASE_BYTES) throw new Error(`${directory} has ${bytes} bytes.`);
  return bytes;
}

async function writeJson(file: string, value: unknown): Promise<void> {
  await writeFile(file, `${JSON.stringify(value, null, 2)}\n`);
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.stack ?? error.message}\ntest/releases/${NEXT} is as it was.\n`);
  process.exitCode = 1;
});
