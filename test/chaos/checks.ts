import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3';
import { readPublicKey, repositoryConfigOf } from '../../src/config/load';
import { CLUSTER } from '../../src/lab/layout';
import { waitFor } from '../../src/lab/processes';
import { memoryDirectoryOf, processesOf } from '../../src/lab/sweep';
import { SMALL_FILES } from '../../src/repository/generation-files';
import { listFiles, listGenerations, verifyCopy } from '../../src/repository/generations';
import { openRepository } from '../../src/repository/open';
import type { ChaosLab } from './chaos-lab';
import { scratchServers } from '../support/scratch-servers';
import { leftOf } from './left-by-runs';

const REPOSITORIES = ['local', 'offsite'];
/** What lies beside the generations of a cluster. */
const NO_GENERATIONS = ['audit', 'marks', 'trail', 'reports'];
/** Until what ends by itself has ended. */
const SETTLE_MS = 15_000;

/** Ids of the generations, by repository. */
export type Holdings = Record<string, string[]>;

export async function holdingsOf({ config }: ChaosLab): Promise<Holdings> {
  const publicKey = await readPublicKey(config);
  const entries = await Promise.all(
    REPOSITORIES.map(async (name) => {
      const repository = await openRepository(name, repositoryConfigOf(config, name));
      const { copies } = await listGenerations(repository, CLUSTER, publicKey);
      return [name, copies.map(({ generation }) => generation)] as const;
    }),
  );
  return Object.fromEntries(entries);
}

/** Everything that must hold after a run, whatever was killed in it; answers with what doesn't. */
export async function findDamage(
  chaos: ChaosLab,
  before: Holdings,
  expected: { newGenerations: number; mayBeSealed?: readonly string[] },
): Promise<string[]> {
  const found = await Promise.all([
    lostSecrets(chaos, expected.mayBeSealed ?? []),
    generationProblems(chaos, before, expected.newGenerations),
    orphanUploads(chaos),
    leftFiles(chaos),
    strayProcesses(chaos),
    filesOutside(chaos),
  ]);
  return found.flat();
}

/** Every sample secret through every node. A Vault that died after its last step is sealed, as after any crash. */
async function lostSecrets({ lab, secrets }: ChaosLab, mayBeSealed: readonly string[]): Promise<string[]> {
  const problems = await Promise.all(
    lab.nodes.map(async ({ name }) => {
      try {
        const status = () => lab.vault(name, 'GET', 'sys/seal-status');
        const { body } = await waitFor(`${name} answers`, status, { timeoutMs: SETTLE_MS });
        if (mayBeSealed.includes(name) && (body as { sealed: boolean }).sealed) return [];
        const read = () => Promise.all(secrets.map(({ path }) => lab.readSecret(path, name)));
        // A new leader refuses reads for a moment.
        const values = await waitFor(`${name} serves`, read, { timeoutMs: SETTLE_MS });
        const wrong = values.filter((value, index) => value !== secrets[index]?.value).length;
        return wrong === 0 ? [] : [`${wrong} of ${secrets.length} secrets differ through ${name}`];
      } catch (error) {
        return [`secrets can't be read through ${name}: ${(error as Error).message}`];
      }
    }),
  );
  return problems.flat();
}

/** As many new generations as the run makes, whole, and the same one in each repository; nothing half or unknown beside it. */
async function generationProblems(chaos: ChaosLab, before: Holdings, expected: number): Promise<string[]> {
  const { config } = chaos;
  const publicKey = await readPublicKey(config);
  const fresh = new Set<string>();
  const problems = await Promise.all(
    REPOSITORIES.map(async (name) => {
      const repository = await openRepository(name, repositoryConfigOf(config, name));
      const { copies, unreadable } = await listGenerations(repository, CLUSTER, publicKey);
      const files = await listFiles(repository, CLUSTER);
      const wrong = unreadable.map(({ generation, problem }) => `${name}: ${generation} is unreadable: ${problem}`);
      for (const { generation, files: there } of files) {
        const copy = copies.find((item) => item.generation === generation);
        if (NO_GENERATIONS.includes(generation) || unreadable.some((item) => item.generation === generation)) continue;
        if (!copy) {
          wrong.push(`${name}: half a generation ${generation}: ${[...there.keys()].join(', ')}`);
          continue;
        }
        const { stored, bundles } = copy.manifest;
        const known: string[] = [...SMALL_FILES, stored.file, ...bundles.map(({ file }) => file)];
        wrong.push(
          ...[...there.keys()].filter((file) => !known.includes(file)).map((file) => `${name}: extra ${file}`),
        );
      }
      for (const copy of copies) {
        await verifyCopy(repository, copy).catch((error: Error) => wrong.push(`${name}: ${error.message}`));
      }
      const added = copies.map(({ generation }) => generation).filter((id) => !before[name]?.includes(id));
      // What the other repository caught up from this one is not new.
      const made = added.filter((id) => !Object.values(before).flat().includes(id));
      if (made.length !== expected) wrong.push(`${name}: ${made.length} new generations: ${made.join(', ')}`);
      made.forEach((id) => fresh.add(id));
      return wrong;
    }),
  );
  return [
    ...problems.flat(),
    ...(fresh.size > expected ? [`different new generations: ${[...fresh].join(', ')}`] : []),
  ];
}

async function orphanUploads({ lab }: ChaosLab): Promise<string[]> {
  const { endpoint, bucket, credentials } = lab.s3;
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  try {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Uploads.map(({ Key }) => `unfinished upload of ${Key}`);
  } finally {
    client.destroy();
  }
}

/** Staging, partial files, identities, directories that were to be discarded, and a data directory set aside twice. */
async function leftFiles({ lab }: ChaosLab): Promise<string[]> {
  const problems: string[] = [];
  const report = (paths: string[], what: string) => problems.push(...paths.map((path) => `${what}: ${path}`));
  report(await namesIn(join(lab.directory, 'controller', 'staging', CLUSTER)), 'left in staging');
  for (const name of ['controller/drills', 'sandbox-run']) {
    report(await namesIn(join(lab.directory, name)), 'left of a sandbox');
  }
  const stored = await readdir(lab.localRepository, { recursive: true });
  report(
    stored.filter((path) => basename(path).startsWith('.')),
    'left in the repository',
  );
  for (const node of lab.nodes) {
    report(await namesIn(join(node.stateDir, 'runs')), `left of a run on ${node.name}`);
    report(
      (await namesIn(node.runtimeDir)).filter((name) => name.endsWith('.identity')),
      `identity left on ${node.name}`,
    );
    report(
      (await namesIn(join(node.stateDir, 'set-aside'))).filter((name) => /\.(partial|discarded)-/.test(name)),
      `half kept on ${node.name}`,
    );
    report(await leftOf(node, ['discarded', 'blank', 'copy']), `left of the data of ${node.name}`);
    const aside = await leftOf(node, ['pre-restore']);
    if (aside.length > 1) report(aside, `set aside more than once on ${node.name}`);
  }
  const temporary = (await readdir(lab.directory, { recursive: true })).filter((path) => /\.tmp[-.]|\.tmp$/.test(path));
  report(
    temporary.filter((path) => !path.startsWith('s3/') && !path.includes('/data/')),
    'temporary file',
  );
  return problems;
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

/** One of each server, and nothing that was started for a step: no Vault in a fence either. */
async function strayProcesses({ lab }: ChaosLab): Promise<string[]> {
  const expected = [
    lab.controller.pid,
    lab.temporal.server.pid,
    lab.s3.server.pid,
    ...Object.values(lab.agents).map((agent) => agent.pid),
    ...(lab.consul?.servers.map(({ process }) => process.pid) ?? []),
  ];
  let stray: string[] = [];
  const inspection = async () => {
    const vaults = await Promise.all(lab.nodes.map(({ name }) => lab.vaultPid(name)));
    const labs = (await processesOf(lab.id)).filter((pid) => ![...expected, ...vaults].includes(pid));
    const pids = [...labs, ...(await scratchServers(lab.directory))];
    const lines = await Promise.all(
      pids.map(async (pid) => {
        const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).replaceAll('\0', ' ').trim();
        return line === '' || line.includes('watchdog') ? [] : [`stray process ${pid}: ${line.slice(0, 120)}`];
      }),
    );
    stray = lines.flat();
    return stray.length === 0;
  };
  await waitFor('no stray process is there', inspection, { timeoutMs: SETTLE_MS, everyMs: 200 }).catch(() => undefined);
  return stray;
}

/** Vault keeps a snapshot that is sent to it there while it reads it, and leaves it when it is killed then. */
const LEFT_BY_VAULT = /^snapshot\d+$/;

/** Files that the lab's processes have left among the temporary ones, or have open for writing elsewhere. */
async function filesOutside({ lab, temporaryDirectory }: ChaosLab): Promise<string[]> {
  const beside = (await readdir(temporaryDirectory)).filter(
    (name) => name !== basename(lab.directory) && !LEFT_BY_VAULT.test(name),
  );
  const allowed = [`${lab.directory}/`, `${memoryDirectoryOf(lab.id)}/`, '/dev/', '/proc/'];
  const open = await Promise.all((await processesOf(lab.id)).map(writtenBy));
  const outside = open.flat().filter((path) => !allowed.some((prefix) => path.startsWith(prefix)));
  return [
    ...beside.map((name) => `written outside of the lab: ${name}`),
    ...[...new Set(outside)].map((path) => `open for writing outside of the lab: ${relative('/', path)}`),
  ];
}

async function writtenBy(pid: number): Promise<string[]> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const paths = await Promise.all(
    descriptors.map(async (descriptor) => {
      const [path, info] = await Promise.all([
        readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => ''),
        readFile(`/proc/${pid}/fdinfo/${descriptor}`, 'utf8').catch(() => ''),
      ]);
      const flags = parseInt(/^flags:\s+(\d+)$/m.exec(info)?.[1] ?? '0', 8);
      // The last two bits tell reading from writing.
      return path.startsWith('/') && (flags & 3) !== 0 ? [path] : [];
    }),
  );
  return paths.flat();
}
