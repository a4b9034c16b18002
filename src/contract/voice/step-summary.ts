import { formatCount } from '../format';
import { escapeMarkdown } from '../markdown';
import type { ControllerInput, ControllerStep } from '../step-input/controller';
import type { NodeInput, NodeStep } from '../step-input/node';
import type { SandboxInput, SandboxStep } from '../step-input/sandbox';

/** Temporal documents 400 bytes, including overhead; if the server enforces a limit, the whole workflow task fails. */
const MOST_BYTES = 300;
const MOST_CHARACTERS = 120;

/** What each step of the controller does, for the list of events in the Web UI. No share, address or path. */
const CONTROLLER_SUMMARIES: { [S in ControllerStep]: (input: ControllerInput<S>) => string } = {
  planBackup: ({ cluster }) => `read the configuration of ${cluster}`,
  checkHealth: ({ plan }) => `check the health of ${plan.cluster}`,
  stageBundle: ({ bundle }) => `stage the configuration files of ${bundle.node}`,
  captureSnapshot: ({ health }) => `take a snapshot from ${health.leader}`,
  describeCopy: ({ copied }) => `write the manifest of the copy of ${copied.node}`,
  publishGeneration: ({ repository }) => `write the backup to ${repository}`,
  replicateGeneration: ({ generation, from, to }) => `copy ${generation} from ${from} to ${to}`,
  listCatchUps: ({ to }) => `find what ${to} has missed`,
  applyRetention: ({ repository }) => `apply retention in ${repository}`,
  tidyRepositories: ({ repositories }) => `compare and tidy up ${repositories.join(', ')}`,
  markRestored: ({ generation }) => `mark ${generation} as restored`,
  markRolledBack: ({ generation }) => `mark ${generation} as rolled back`,
  discardStaging: () => 'remove what was staged',
  closeBackup: ({ record }) => `audit: ${recorded(record)}; remove what was staged`,

  chooseForDrill: ({ generation = 'latest', from }) =>
    `choose a backup (${generation}${from === undefined ? '' : `, from ${from}`})`,

  chooseForRecover: ({ generation, from }) =>
    `choose a backup (${generation}${from === undefined ? '' : `, from ${from}`})`,
  surveyBackups: ({ cluster }) => `read the newest backup of ${cluster}, and what is said of it`,
  makeCanary: ({ cluster }) => `encrypt a canary as the backups of ${cluster} are`,
  judgeReadiness: ({ cluster }) => `say whether ${cluster} is recoverable`,

  planRestore: ({ cluster, into }) => `read the configuration of ${into ?? cluster}`,
  lookAtCluster: ({ cluster }) => `inspect ${cluster} through Vault's API`,
  chooseGeneration: ({ generation, asOf }) =>
    `choose and verify a backup (${generation}${asOf === null ? '' : `, as of ${asOf}`})`,
  makePlan: ({ input }) => `plan the restore of ${input.into ?? input.cluster}`,
  makeQuorumPlan: ({ input }) => `plan to recover the quorum of ${input.cluster}`,
  makeRebuildPlan: ({ input }) => `plan to rebuild ${input.node}`,
  makeRollBackPlan: ({ input }) => `plan the way back from ${input.run}`,
  makeMigrationPlan: ({ input }) => `plan the migration of ${input.cluster}`,
  makeCopyPlan: ({ input }) => `plan the copy of a node of ${input.cluster}`,
  makeRemovalPlan: ({ input }) => `plan the removal of what ${input.run} set aside`,
  checkApproval: ({ approval }) => `check the signature of ${approval.approver}`,
  verifyFirstNode: ({ plan }) => `verify ${plan.firstNode}`,
  checkConvergence: ({ nodes }) => `check that ${nodes.join(', ')} agree`,
  waitForLeader: ({ cluster }) => `wait for a leader of ${cluster}`,
  moveLeadership: () => 'transfer leadership',
  removePeer: ({ peer }) => `remove the dead peer ${peer}`,
  checkRolledBack: ({ nodes }) => `check that ${nodes.join(', ')} serve again`,

  watchServing: ({ cluster }) => `wait until ${cluster} serves as a whole`,

  storeReport: () => 'store the report',
  notify: ({ event }) => `notify: ${event}`,
  deliver: ({ channel, notification }) => `notify through ${channel}: ${notification.event}`,
  recordAudit: (record) => `audit: ${recorded(record)}`,
  recordAudits: ({ records }) => `audit: ${records.map(recorded).join(', ')}`,
  publishAuditHead: ({ repository }) => `copy the head of the audit trail to ${repository}`,
};

/** What each step of an agent does on its node. */
const NODE_SUMMARIES: { [S in NodeStep]: (node: string, input: NodeInput<S>) => string } = {
  describeNode: (node) => `inspect ${node}`,
  proveQuiet: (node) => `prove that ${node} can run Vault behind a fence`,
  liftFence: (node) => `lift the fence around ${node}`,
  proveInPlace: (node) => `check that ${node} can load a backup in place`,
  collectConfig: (node) => `collect the configuration files of ${node}`,
  openCanary: (node) => `decrypt a canary on ${node}`,
  lookForLeftOvers: (node, { of }) => `check ${node} for data that ${of} set aside`,

  claimForRun: (node) => `claim ${node} for this run`,
  stageGeneration: (node, { generation }) => `put ${generation} on the disk of ${node}`,
  stopNode: (node) => `stop ${node}`,
  stopForBackup: (node) => `stop ${node} for a backup`,
  archiveData: (node) => `archive the data of ${node}`,
  publishArchive: (node) => `store the archive of ${node}`,
  setAsideData: (node, { how }) => (how === 'delete' ? `delete the data of ${node}` : `set the data of ${node} aside`),
  copyDataAside: (node) => `copy the data of ${node} aside`,
  putBackData: (node) => `put the previous data of ${node} back`,
  blankNode: (node) => `empty ${node}`,
  removeSetAsideData: (node, { of }) => `remove what ${of} set aside on ${node}`,

  migrateData: (node) => `copy the data to Raft on ${node}`,
  switchConfig: (node) => `put the new configuration of ${node} in place`,
  installSnapshot: (node) => `install the snapshot on ${node}`,
  installFiles: (node) => `unpack the copied data directory on ${node}`,
  saveConsul: (node) => `keep what is in Consul, on ${node}`,
  installConsul: (node) => `restore Consul through ${node}`,
  putBackConsul: (node) => `put back what was in Consul, through ${node}`,
  installInPlace: (node) => `load the snapshot through ${node}`,
  recoverPeers: (node) => `make ${node} the only peer`,
  startNode: (node) => `start ${node}`,
  restartNode: (node) => `restart ${node}`,
  joinNode: (node) => `join ${node} to the cluster`,

  checkShare: (node) => `check a share on ${node}`,
  rewrapShares: (node, { recipients }) => `re-encrypt the shares on ${node} for ${recipients.length} nodes`,
  extendLeases: (node, { minutes }) => `give leases at least ${minutes} min more on ${node}`,
  unsealNode: (node, { shares }) => `unseal ${node} with ${shares.length} shares`,
  awaitUnsealed: (node) => `wait until ${node} is unsealed`,
  watchForUnseal: (node) => `watch for an unseal of ${node} by hand`,
  watchForSeal: (node) => `watch that ${node} stays unsealed`,
  endRunOnNode: (node) => `clean up on ${node}`,
};

/** What each step of a sandbox host does; with a share nothing more is said of it. */
const SANDBOX_SUMMARIES: { [S in SandboxStep]: (input: SandboxInput<S>) => string } = {
  prepareSandbox: ({ claim }) => `find a sandbox host for ${claim.cluster}`,
  checkSandboxShare: () => 'check a share on the sandbox host',
  rehearse: ({ generation, shares }) =>
    `load ${generation} in a sandbox${shares === null ? '' : `, and unseal it with ${shares.length} shares`}`,
  tryShares: ({ generation, submitted }) => `load ${generation} in a sandbox, and try ${submitted.length} shares`,
  readFromBackup: ({ plan: { generation, paths }, shares }) =>
    `read ${formatCount(paths.length, 'path')} of ${generation} in a sandbox, unsealed with ${formatCount(shares.length, 'share')}`,
  endSandboxRun: () => 'clean up on the sandbox host',
};

function recorded({ action, actor, outcome, details: { phase } }: ControllerInput<'recordAudit'>): string {
  return [
    action.replace(/^(restore|drill|roll-call|recover)\./, ''),
    ...(typeof phase === 'string' ? [phase] : []),
    ...(actor === 'vault-dr' ? [] : [`by ${actor}`]),
    ...(outcome === 'failure' ? ['(failure)'] : []),
  ].join(' ');
}

/** One line about a step of the controller. */
export function controllerSummary(step: ControllerStep, input: unknown): string {
  return bounded(step, () => (CONTROLLER_SUMMARIES[step] as (input: unknown) => string)(input));
}

/** One line about a step on a node. */
export function nodeSummary(step: NodeStep, node: string, input: unknown): string {
  return bounded(step, () => (NODE_SUMMARIES[step] as (node: string, input: unknown) => string)(node, input));
}

/** One line about a step of a sandbox host. */
export function sandboxSummary(step: SandboxStep, input: unknown): string {
  return bounded(step, () => (SANDBOX_SUMMARIES[step] as (input: unknown) => string)(input));
}

/** Names come from people, plans and Vault. Whatever they contain, the step must still be scheduled. */
function bounded(step: string, describe: () => string): string {
  try {
    return oneLine(describe());
  } catch {
    return step;
  }
}

/** Text for a Temporal summary: Markdown on one line, short enough for the server. */
export function oneLine(text: string): string {
  const characters = Array.from(text.slice(0, 10 * MOST_CHARACTERS));
  for (let most = Math.min(characters.length, MOST_CHARACTERS); ; most -= 10) {
    const line = escapeMarkdown(characters.slice(0, most).join('')) + (most < characters.length ? '…' : '');
    if (bytesOf(line) <= MOST_BYTES) return line;
  }
}

/** As JSON in UTF-8; only quotes and backslashes still need escaping. */
function bytesOf(line: string): number {
  let bytes = 0;
  for (const character of line) {
    const code = character.codePointAt(0) ?? 0;
    if (character === '"' || character === '\\') bytes += 2;
    else if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else bytes += code < 0x10000 ? 3 : 4;
  }
  return bytes;
}
