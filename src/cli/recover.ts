import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { clusterOf, sandboxConfigOf } from '../config/load';
import { DrError } from '../contract/failures';
import { formatCount } from '../contract/format';
import { printable } from '../contract/printable';
import type { MissingItem, RecoveredItem } from '../contract/recovered';
import { encryptArmored } from '../crypto/age';
import { toDiskError } from '../files/disk-error';
import { statIfThere } from '../files/files';
import { hardenProcess } from '../process-hardening';
import { type PathFound, recover, type RecoverPhase } from '../recover/recover';
import { describeVersions } from '../recover/versions';
import { style } from '../terminal';
import { loadChosen, reportTrouble } from './backups-listing';
import type { Document } from './documents';
import { chooseCopy, DOES as DRILL_DOES, shareReader } from './drill';
import { untilInterrupted } from './interrupted';
import { note, print, printJson } from './output';
import { EXIT } from './program';
import { assertSameCluster, openLive, problemsOf, writeBack } from './recover-live';
import { assertRecipients, parseRequest, type RecoverCliOptions } from './recover-request';
import { RecoverTrail } from './recover-trail';

const INTERRUPTED = 'Interrupted. Nothing of the backup is left here, and nothing was written.';
const DOES: Record<RecoverPhase, string> = { ...DRILL_DOES, read: 'Reading what was asked for' };

/** What was read is in the memory of this process alone, and leaves it encrypted or into the cluster. */
export async function runRecover(options: RecoverCliOptions): Promise<void> {
  const signal = untilInterrupted(INTERRUPTED);
  const request = parseRequest(options, process.stdin.isTTY === true);
  await hardenProcess(note);
  await assertRecipients(request.recipients);
  if (request.file !== null) await assertFree(request.file);
  const listing = await loadChosen(options, [options.backup]);
  reportTrouble(listing);
  const { config } = listing;
  const sandbox = sandboxConfigOf(config);
  const copy = chooseCopy(listing, options);
  const repository = listing.repositories.find(({ name }) => name === copy.repository)!;
  const { cluster, json = false } = options;
  const live = request.writeBack ? await openLive({ config, cluster }, request.wanted, request.writeBack) : null;
  const trail = new RecoverTrail(config, options, copy.generation);
  try {
    if (live) assertSameCluster(live, copy.manifest.clusterId, cluster);
    // Where it can't be recorded, nobody is asked for a share.
    await trail.note('planned', 'info');
    note(`Reading from ${copy.generation} of ${cluster}, from ${copy.repository}.`);
    const { recovered, byPath, serverVersion } = await recover({
      cluster: clusterOf(config, cluster),
      sandbox,
      stateDir: config.stateDir,
      repository,
      copy,
      wanted: request.wanted,
      versions: request.versions,
      deleted: request.deleted,
      askShare: shareReader(INTERRUPTED),
      signal,
      onPhase: (phase) => note(`${DOES[phase]} …`),
    });
    const missing = byPath.flatMap((found) => found.missing);
    for (const { problem } of missing) note(style('yellow', problem, process.stderr));
    const { items } = recovered;
    if (items.length === 0) throw new DrError('NotInBackup', problemsOf(missing));
    await trail.note('done', 'success', { found: byPath.map(countOf) });
    if (missing.length > 0) process.exitCode = EXIT.failed;
    const { recipients, file } = request;
    const sealed =
      recipients.length === 0 ? null : await encryptArmored(`${JSON.stringify(recovered, null, 2)}\n`, recipients);
    if (sealed !== null && file !== null) await deliver(file, sealed);
    const written = live && request.writeBack ? await writeBack(live, items, missing, request.writeBack) : null;
    if (written?.written) await trail.note('written', 'success', { to: written.changes.map(({ to }) => to) });
    const result: Document<'recover'> = {
      cluster,
      generation: copy.generation,
      repository: repository.name,
      serverVersion,
      items: items.map(shown),
      missing: missing.map(asShown),
      file,
      sealed: file === null ? sealed : null,
      writeBack: written,
    };
    if (json) return printJson('recover', result);
    note(items.map(render).join('\n'));
    if (file !== null) print(`${formatCount(items.length, 'item')}, encrypted: ${file}`);
    else if (sealed !== null) print(sealed);
  } catch (error) {
    await trail.failed(error);
    throw error;
  } finally {
    await live?.close();
  }
}

function countOf({ path, items, missing }: PathFound) {
  return { path, items: items.length, missing: missing[0]?.reason ?? null };
}

function asShown({ path, reason, problem }: MissingItem): MissingItem {
  return { path: printable(path), reason, problem };
}

/** Names, and no values. */
function shown(item: RecoveredItem): Document<'recover'>['items'][number] {
  const versions = item.kind === 'secret' ? item.versions : [];
  return {
    path: printable(item.path),
    kind: item.kind,
    versions: versions.map(({ version, state, data }) => ({ version, state, recovered: data !== null })),
    notReadable: item.kind === 'role' ? item.notReadable : null,
  };
}

function render(item: RecoveredItem): string {
  const named =
    item.kind === 'secret'
      ? item.versions.flatMap(({ version, state }) => (version === null ? [] : [{ version, state }]))
      : [];
  const versions = named.length === 0 ? '' : `: ${describeVersions(named)}`;
  const gap = item.kind === 'role' && item.notReadable !== null ? `. ${item.notReadable}` : '';
  return `  ${printable(item.path)}${versions}${gap}`;
}

/** @throws DrError InvalidInput */
export async function assertFree(file: string): Promise<void> {
  if ((await statIfThere(file)) !== null) throw alreadyThere(file);
  const directory = dirname(resolve(file));
  await access(directory, constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    throw new DrError('InvalidInput', `Nothing can be written to ${printable(directory)} (${error.code}).`);
  });
}

/** @throws DrError InvalidInput if the file is there by now */
export async function deliver(file: string, sealed: string): Promise<void> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(sealed);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw alreadyThere(file);
    throw toDiskError(error, dirname(resolve(file)));
  }
}

function alreadyThere(file: string): DrError {
  return new DrError('InvalidInput', `${printable(file)} is there already, and is not overwritten.`);
}
