import { join } from 'node:path';
import { DrError } from '../../src/contract/failures';
import { formatCount, formatNumber } from '../../src/contract/format';
import type { MigrationReport } from '../../src/contract/host';
import { blankDataDirectory, findAside, removeDiscarded } from '../../src/host/data/data-directory';
import { putBackConfig, putPrepared, readPrepared } from '../../src/host/config/prepared-config';
import { serverFacts } from '../../src/host/config/server-facts';
import { countConsulKeys } from '../../src/host/migrate/consul-keys';
import {
  endMigration,
  forgetMigration,
  type MigrationRun,
  resetMigration,
  runMigration,
} from '../../src/host/migrate/operator-migrate';
import { countFiles, describeSource, isCopied, sourceStorage, type SourceStorage } from '../../src/host/migrate/source';
import type { Attempt } from '../../src/host/run/attempt';
import { hasProgram } from '../../src/host/service/check-programs';
import { readServer } from '../../src/host/service/read-server';
import { proveStopped } from '../../src/host/service/service';
import type { ServerProgramRun } from '../../src/host/service/service-driver';
import { writeFileAtomically } from '../../src/files/atomic-file';
import { readOwnFile } from '../../src/files/own-files';
import type { NodeInput } from '../../src/contract/step-input/node';
import { blocksOf } from '../../src/vault/config/hcl-blocks';
import { readServerConfig, type ServerConfig } from '../../src/vault/config/vault-config';
import { openBolt } from '../../src/vault/storage/bolt';
import { readRaftStorage } from '../../src/vault/storage/raft-storage';
import type { Report } from '../heartbeat';
import type { NodeHost } from './context';

/** In the directory of the run: the copy is complete, and compared with what it was made from. */
const MIGRATED = 'migrated';

/**
 * From a blank data directory to one that holds every key of the old storage. Not resumable by itself: whatever stops it, it starts
 * over from blank, and the program of an attempt before is ended first. What it reads is not changed but for the lock of the
 * migration itself, which is taken off again.
 * @returns how many keys there are
 */
export async function migrateData(host: NodeHost, input: NodeInput<'migrateData'>): Promise<{ keys: number }> {
  const { claim, from } = input;
  return host.stepWithHeartbeats(claim, { kind: 'migrate', from }, async (attempt, report) => {
    const { node } = host;
    const doneFile = join(await host.runDirectory(claim.run), MIGRATED);
    await endMigration(node.stateDir, attempt);
    const done = readOwnFile(doneFile);
    if (done !== null) return { keys: Number(done) };

    await host.driver.stop(attempt);
    await proveStopped(node, host.driver);
    await blankDataDirectory(node.dataDir, claim.run, attempt);
    await removeDiscarded(node.dataDir, claim.run, attempt);
    const run = await migrationOf(host, from, claim.run);
    await resetMigration(run, attempt);
    const copied = await runMigration(run, attempt, (keys) => {
      if (keys % 100 === 0) report(formatCount(keys, 'key'));
    });
    await compare(host, run, copied, attempt, report);
    attempt.assertCurrent();
    await writeFileAtomically(doneFile, `${copied}\n`);
    return { keys: copied };
  });
}

/** Puts the prepared configuration in place of the present one, which is kept. */
export async function switchConfig(host: NodeHost, input: NodeInput<'switchConfig'>): Promise<void> {
  const { claim, files } = input;
  await host.stepWithHeartbeats(claim, { kind: 'switch configuration', files }, async (attempt) => {
    await proveStopped(host.node, host.driver);
    await putPrepared(host.node.migration, files, claim.run, attempt);
  });
}

/**
 * What a way back needs besides the data: the old configuration, and a source without the lock of a migration that was killed.
 * Repeatable; does nothing on a host that has no migration.
 */
export async function undoMigration(host: NodeHost, run: string, attempt: Attempt): Promise<void> {
  const { node } = host;
  if (node.migration === undefined) return;
  await endMigration(node.stateDir, attempt);
  await putBackConfig(node.migration, run, attempt);
  const source = await ownSource(host);
  if (source === null) return;
  await forgetMigration(node.dataDir);
  await resetMigration(runOf(host, source.storage, source.program), attempt);
}

/** For the plan. Holds no secret. */
export async function describeMigration(host: NodeHost): Promise<MigrationReport | undefined> {
  const { node, driver, deps } = host;
  if (node.migration === undefined) return undefined;
  const [{ start, server }, files, program] = await Promise.all([
    readServer(host),
    readPrepared(node.migration),
    driver.programRun?.(node.dataDir) ?? null,
  ]);
  const texts = files.flatMap(({ path, text }): [string, string][] => (text === null ? [] : [[path, text]]));
  const future = await readServerConfig(node.configFiles, start, new Map(texts));
  const known = server?.files.all().map(({ file }) => file) ?? [];
  return {
    source: describeSource(server, program?.environment ?? {}),
    files: files.map(({ text: _secret, ...file }) => ({
      ...file,
      problem: file.problem ?? (known.includes(file.path) ? null : `Vault is not started with ${file.path}`),
    })),
    config: future && (await serverFacts(future, start, node, deps.cluster.nodes)),
    sameSeals: sealsOf(server) === sealsOf(future),
    programProblem: await problemOfProgram(program),
  };
}

async function problemOfProgram(program: ServerProgramRun | null): Promise<string | null> {
  if (program === null) return 'the program that its service starts is not to be seen';
  return (await hasProgram(program.command)) ? null : `${program.command[0]} is not an executable program`;
}

/** In the order in which Vault reads them, secrets and all; only compared. */
function sealsOf(server: ServerConfig | null): string {
  const bodies = server?.files.all().map(({ body }) => body) ?? [];
  const seals = blocksOf(bodies, 'seal', 'kms').map(({ type, settings }) => [
    type,
    [...settings].toSorted(([left], [right]) => (left < right ? -1 : 1)),
  ]);
  return JSON.stringify(seals);
}

interface OwnSource {
  storage: SourceStorage;
  program: ServerProgramRun;
}

/** What the server stores in by its configuration as it is now; null where that is nothing to migrate from. */
async function ownSource(host: NodeHost): Promise<OwnSource | null> {
  const { node, driver } = host;
  const [{ server }, program] = await Promise.all([readServer(host), driver.programRun?.(node.dataDir) ?? null]);
  const storage = sourceStorage(server, program?.environment ?? {});
  return storage && program && { storage, program };
}

async function migrationOf(host: NodeHost, from: string, run: string): Promise<MigrationRun> {
  const { node } = host;
  const source = await ownSource(host);
  if (source === null || source.storage.type !== from) {
    throw unsafe(
      host,
      `The configuration of Vault on ${node.name} does not say where its data is in '${from}', or which program starts it.`,
    );
  }
  const { storage, program } = source;
  if (storage.type !== 'file') return runOf(host, storage, program);
  const aside = await findAside(node.dataDir, run);
  if (aside === null) throw unsafe(host, `What this run has set aside of ${node.dataDir} is gone.`);
  return runOf(host, storage.at(aside), program);
}

function runOf({ node }: NodeHost, source: SourceStorage, program: ServerProgramRun): MigrationRun {
  const { dataDir, stateDir, clusterAddress, nodeId = node.name } = node;
  return { source, program, dataDir, stateDir, clusterAddress, nodeId };
}

/** Every key that was there is there, and the new cluster has the one peer that it should. */
async function compare(
  host: NodeHost,
  { source, dataDir, nodeId, clusterAddress }: MigrationRun,
  copied: number,
  attempt: Attempt,
  report: Report,
): Promise<void> {
  report('compare the numbers of keys');
  const wanted =
    source.type === 'consul'
      ? await countConsulKeys(source, attempt.signal)
      : await countFiles(source.get('path') ?? '');
  const found = await countRaftKeys(dataDir);
  if (found !== wanted || copied !== wanted) {
    throw new DrError(
      'ServiceFailed',
      `The old storage has ${formatCount(wanted, 'key')}, ${formatNumber(copied)} were copied, and Raft has ${formatNumber(found)}.`,
      {
        where: host.node.name,
        advice:
          'The copy starts over from an empty directory. If it repeats, something writes to the old storage: stop it, then resume; or roll back.',
      },
    );
  }
  const storage = await readRaftStorage(dataDir);
  const peers = storage?.peers.map(({ id, address }) => `${id} at ${address}`).join(', ') ?? 'none';
  if (peers === `${nodeId} at ${clusterAddress}` && storage?.seal) return;
  throw unsafe(
    host,
    `What was copied has the peers ${peers}, not ${nodeId} at ${clusterAddress}, or no seal configuration.`,
  );
}

async function countRaftKeys(dataDir: string): Promise<number> {
  let count = 0;
  const database = await openBolt(join(dataDir, 'vault.db'));
  try {
    await database.each(['data'], (key) => {
      if (isCopied(key.toString('utf8'))) count++;
    });
  } finally {
    await database.close();
  }
  return count;
}

function unsafe({ node }: NodeHost, message: string): DrError {
  return new DrError('NodeUnsafe', message, {
    where: node.name,
    advice:
      'The old storage was only read. Compare the configuration of that host with the plan, then resume; or roll back.',
  });
}

/** Also for a host that has never been asked to migrate. */
export async function endLeftMigration({ node }: NodeHost): Promise<void> {
  if (node.migration === undefined) return;
  await endMigration(node.stateDir);
  await forgetMigration(node.dataDir);
}
