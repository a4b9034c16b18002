import { randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline';
import { clusterOf, loadConfig, sandboxConfigOf } from '../config/load';
import { DrError } from '../contract/failures';
import { formatCount, formatSeconds } from '../contract/format';
import type { GenerationCopy } from '../contract/generation';
import { printable } from '../contract/printable';
import { decodeShare } from '../contract/share';
import { hardenProcess } from '../process-hardening';
import { recordOfPassed } from '../plan/drill-verdict';
import { backupToDrill, copiesToDrill } from '../repository/keep/drills';
import { drill, type DrillOptions } from '../sandbox/drill';
import type { AskShare } from '../sandbox/sandbox';
import type { DrillCheck, DrillLeases, DrillResult } from '../contract/drill';
import type { DrillLevel, DrillPhase } from '../contract/drill-levels';
import { style } from '../terminal';
import {
  type BackupOptions,
  chooseCopies,
  idsOf,
  loadChosen,
  loadListing,
  type Listing,
  reportTrouble,
} from './backups-listing';
import { leaveMark, markFailure } from './drill-mark';
import { untilInterrupted } from './interrupted';
import { note, print, printJson } from './output';
import { promptHidden } from './prompt';

export interface DrillCliOptions extends BackupOptions {
  backup?: string;
  from?: string;
  unseal?: boolean;
}

/** For people who wait. */
export const DOES: Record<DrillPhase, string> = {
  fetch: 'Fetching the backup',
  decrypt: 'Decrypting it, and reading it end to end',
  fence: 'Making the sandbox, and proving that it reaches nothing',
  start: 'Starting a blank Vault in it',
  load: 'Loading the backup',
  unseal: 'Unsealing',
  verify: 'Comparing with the manifest',
};

const MEANS: Record<DrillLevel, string> = {
  fetched: 'the copy is whole and can be decrypted',
  installed: 'a Vault loads the backup; whether the shares open it was not tried',
  restored: 'it is unsealed, and serves the data of the backup',
};

const CHECKED: Record<DrillCheck['check'], string> = {
  counts: 'keys',
  mounts: 'engines',
  authMethods: 'logins',
  policies: 'policies',
  hook: 'hook',
};

/** Leaves nothing behind, also when it is interrupted. */
export async function runDrill(options: DrillCliOptions): Promise<void> {
  const signal = untilInterrupted(INTERRUPTED);
  await hardenProcess(note);
  const listing = await listFor(options);
  reportTrouble(listing);
  const sandbox = sandboxConfigOf(listing.config);
  const copy = copyToDrill(listing, options);
  const repository = listing.repositories.find(({ name }) => name === copy.repository)!;
  note(`Drill of ${options.cluster} with ${copy.generation} from ${copy.repository}.`);
  const result = await drillAndMark(listing, options.cluster, {
    cluster: clusterOf(listing.config, options.cluster),
    sandbox,
    stateDir: listing.config.stateDir,
    repository,
    copy,
    signal,
    onPhase: (phase) => note(`${DOES[phase]} …`),
    ...(options.unseal ? { askShare: shareReader() } : {}),
  });
  if (options.json) printJson('drill', { cluster: options.cluster, ...result });
  else print(renderDrill(options.cluster, result));
}

/** What is needed to choose: of a random backup all. */
async function listFor({ backup, ...options }: DrillCliOptions): Promise<Listing> {
  if (backup !== undefined) return loadChosen(options, [backup]);
  const { drill: policy } = clusterOf(await loadConfig(options.config), options.cluster);
  return policy.backup === 'newest' ? loadChosen(options, ['latest']) : loadListing(options);
}

/** As the options say; otherwise as the configuration does. */
function copyToDrill(listing: Listing, { cluster, backup, from }: DrillCliOptions): GenerationCopy {
  const policy = clusterOf(listing.config, cluster).drill;
  const chosen = backup ?? backupToDrill(idsOf(listing.copies), policy.backup, randomUUID()) ?? 'latest';
  const copies = chooseCopies(listing.copies, chosen, cluster);
  const [copy] = copiesToDrill(copies, from ?? policy.from, listing.marks.drills);
  return copy ?? chooseCopy(listing, { backup: chosen, cluster, from: from ?? policy.from });
}

/** The drill, and the mark that it leaves. */
async function drillAndMark(
  listing: Listing,
  name: string,
  options: DrillOptions,
): Promise<DrillResult & { marked: string[] }> {
  const { copy } = options;
  try {
    const result = await drill(options);
    return { ...result, marked: await leaveMark(listing, name, recordOfPassed(copy, result)) };
  } catch (error) {
    await markFailure(listing, name, copy, error);
    throw error;
  }
}

export function chooseCopy(
  listing: Listing,
  { backup, cluster, from }: { backup: string; cluster: string; from?: string },
): GenerationCopy {
  const copies = chooseCopies(listing.copies, backup, cluster);
  const chosen = from === undefined ? copies[0] : copies.find(({ repository }) => repository === from);
  if (chosen) return chosen;
  throw new DrError(
    'UnknownGeneration',
    `${printable(from ?? cluster)} has no copy of the backup ${printable(backup)}.`,
    {
      advice: `\`vault-dr backups list --cluster ${cluster}\` shows what there is.`,
    },
  );
}

const INTERRUPTED = 'The drill was interrupted; nothing of it is left.';

/** Asks at the terminal, without showing what is typed; otherwise reads one line each. */
export function shareReader(onAbort = INTERRUPTED): AskShare {
  const lines = process.stdin.isTTY ? null : createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  return async (given, needed) => {
    for (;;) {
      const question = `Share ${given + 1} of ${needed}: `;
      const typed = lines === null ? await promptHidden(question, onAbort) : await lines.next();
      if (typeof typed !== 'string' && typed.done)
        throw new DrError('Aborted', `There is no share ${given + 1} of ${needed}.`);
      const share = decodeShare(typeof typed === 'string' ? typed : typed.value);
      if (share !== null) return share;
      note('That is no unseal share: they are base64 or hexadecimal.');
    }
  };
}

export function renderDrill(cluster: string, result: DrillResult & { marked?: string[] }): string {
  const {
    level,
    generation,
    repository,
    serverVersion,
    targets,
    unresolved,
    canary,
    canaryProblem,
    leases,
    checks,
    phases,
    marked = [],
  } = result;
  return [
    `${cluster}: ${style('green', printable(level))}, ${MEANS[level]}`,
    `  backup    ${printable(`${generation} from ${repository}`)}`,
    ...(serverVersion === null ? [] : [`  Vault     ${printable(serverVersion)}`]),
    `  sandbox   ${formatCount(targets, 'address', 'addresses')} proved to be out of reach`,
    ...(unresolved.length === 0
      ? []
      : [`            not tried, because they have no address here: ${unresolved.map(printable).join(', ')}`]),
    ...(canary === null
      ? []
      : [
          `  canary    ${canary === 'read' ? 'read' : style('yellow', `not checked: ${printable(canaryProblem ?? '')}`)}`,
        ]),
    ...(leases === undefined ? [] : [`  leases    ${leasesText(leases)}`]),
    ...checks.map(
      ({ check, outcome, detail }) =>
        `  ${CHECKED[check].padEnd(9)} ${outcome === 'passed' ? printable(detail) : style('yellow', `not checked: ${printable(detail)}`)}`,
    ),
    ...phases.map(
      ({ phase, milliseconds }) => `  ${printable(phase.padEnd(9))} ${formatSeconds(Math.round(milliseconds / 1_000))}`,
    ),
    ...(marked.length === 0 ? [] : [`  marked in ${printable(marked.join(', '))}`]),
  ].join('\n');
}

function leasesText({ leases, staticRoles, problem }: DrillLeases): string {
  const removed = [
    `${formatCount(leases, 'lease')} removed before the unseal`,
    ...(staticRoles === 0 ? [] : [`${formatCount(staticRoles, 'static role')} kept from rotating`]),
  ].join(', ');
  return problem === null ? removed : `${removed}; ${style('yellow', `not all: ${printable(problem)}`)}`;
}
