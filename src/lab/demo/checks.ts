import { existsSync } from 'node:fs';
import type { RecoveryReport } from '../../contract/recovery';
import { recoveryWorkflowId } from '../../contract/names';
import { type Before, identityOf } from './before';
import { firstNode } from './crashes';
import { attemptsOf, controllersOf, type RunHistory } from './history';
import { HOLDERS } from './recovery';
import type { Check } from './report';
import { findInLab, findInText, type Finding, shareNeedles, withPayloads } from './share-search';
import type { Lab } from '../lab';
import { CLUSTER } from '../layout';
import { processesOf } from '../sweep';

const READS_AT_ONCE = 8;

export interface Evidence {
  lab: Lab;
  before: Before;
  report: RecoveryReport;
  history: RunHistory;
  transcript: string;
}

/** Asks the servers themselves, not the run, whether everything is as it was. */
export async function checkRecovery(evidence: Evidence): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name } of evidence.lab.nodes) checks.push(await secretsAreBack(evidence, name));
  checks.push(
    await lostSecretIsAbsent(evidence),
    await everyNodeVotes(evidence),
    await sameCluster(evidence),
    await sameSharesUnsealed(evidence),
    backupWasMade(evidence),
    await copiesAreGood(evidence),
    setAsideIsKept(evidence),
    runSurvivedCrashes(evidence),
    await sharesLeftNoTrace(evidence),
  );
  return checks;
}

/** After the lab has been stopped. */
export async function nothingIsLeft(lab: Lab): Promise<Check> {
  const pids = await processesOf(lab.id);
  const ok = pids.length === 0 && !existsSync(lab.directory);
  return {
    name: 'nothing left running',
    ok,
    detail: ok ? 'no process, no directory' : `processes ${pids.join(', ')}, ${lab.directory}`,
  };
}

async function secretsAreBack({ lab, before }: Evidence, node: string): Promise<Check> {
  const { secrets } = before;
  const queue = secrets.values();
  let equal = 0;
  const work = async () => {
    for (const { path, value } of queue) if ((await lab.readSecret(path, node)) === value) equal++;
  };
  await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
  return {
    name: `secrets through ${node}`,
    ok: secrets.length > 0 && equal === secrets.length,
    detail: `${equal} of ${secrets.length} restored, byte for byte`,
  };
}

async function lostSecretIsAbsent({ lab, before }: Evidence): Promise<Check> {
  const answers = await Promise.all(
    lab.nodes.map(({ name }) => lab.vault(name, 'GET', `secret/data/${before.lost.path}`)),
  );
  const ok = answers.every((answer) => answer.status === 404);
  return {
    name: 'secret written after the backup',
    ok,
    detail: `${ok ? 'lost, as expected' : 'not lost?'}: ${statuses(answers)} from ${names(lab)}`,
  };
}

async function everyNodeVotes({ lab }: Evidence): Promise<Check> {
  const views = await Promise.all(
    lab.nodes.map(async ({ name }) => {
      const { body } = await lab.vault(name, 'GET', 'sys/storage/raft/configuration');
      const { servers } = (body as { data: { config: { servers: { node_id: string; voter: boolean }[] } } }).data
        .config;
      return servers
        .filter((server) => server.voter)
        .map((server) => server.node_id)
        .sort()
        .join(', ');
    }),
  );
  return { name: 'voters', ok: views.every((view) => view === names(lab)), detail: [...new Set(views)].join(' / ') };
}

async function sameCluster({ lab, before }: Evidence): Promise<Check> {
  const after = await Promise.all(lab.nodes.map(({ name }) => identityOf(lab, name)));
  const ids = [...new Set(after.map((view) => `${view.clusterId} (${view.clusterName})`))].join(' / ');
  return {
    name: 'original cluster',
    ok: after.every((view) => view.clusterId === before.clusterId && view.clusterName === before.clusterName),
    detail: `now ${ids}, before ${before.clusterId} (${before.clusterName})`,
  };
}

async function sameSharesUnsealed({ lab, report }: Evidence): Promise<Check> {
  const health = await Promise.all(lab.nodes.map(({ name }) => lab.vault(name, 'GET', 'sys/health?standbyok=true')));
  const accepted = report.shares?.accepted.map((share) => share.holder) ?? [];
  const asked = HOLDERS.map((holder) => holder.name);
  return {
    name: 'one share from each holder unsealed every node',
    ok:
      health.every((answer) => answer.status === 200) &&
      accepted.join() === asked.join() &&
      report.shares?.refused.length === 0 &&
      report.nodes.every((node) => node.state === 'voter'),
    detail: `${accepted.join(', ')}; health ${statuses(health)} from ${names(lab)}`,
  };
}

function backupWasMade({ report: { backup } }: Evidence): Check {
  return {
    name: 'new backup after the restore',
    ok: backup !== null && 'generation' in backup,
    detail: backup === null ? 'none' : 'generation' in backup ? backup.generation : backup.problem,
  };
}

/** Old and new generation, in both repositories, read end to end. */
async function copiesAreGood({ lab, report }: Evidence): Promise<Check> {
  const { stdout, stderr } = await lab.cli(['generations', 'verify', 'all', '--cluster', CLUSTER, '--json']);
  const { results = [] } = JSON.parse(stdout || '{}') as {
    results?: { generation: string; repository: string; check: string; problem: string | null }[];
  };
  const good = results.filter((result) => result.check !== 'listed' && result.problem === null);
  const wanted = [report.plan, report.backup].map((source) =>
    source && 'generation' in source ? source.generation : undefined,
  );
  const complete = wanted.every((id) => good.filter((result) => result.generation === id).length === 2);
  const problems = results.flatMap((result) => (result.problem === null ? [] : [result.problem]));
  return {
    name: 'copies in both repositories',
    ok: complete && good.length === results.length,
    detail: `${good.length} of ${results.length} read end to end and equal to their signed manifests${[...problems, stderr.trim()].join(' ').trimEnd()}`,
  };
}

function setAsideIsKept({ report }: Evidence): Check {
  const paths = report.setAside.flatMap((item) => (item.path === null ? [] : [item.path]));
  return {
    name: 'the previous data is kept',
    ok: paths.every((path) => existsSync(path)),
    detail: paths.length === 0 ? 'nothing to set aside: the disaster deleted it' : paths.join(', '),
  };
}

function runSurvivedCrashes({ lab, history }: Evidence): Check {
  const installs = attemptsOf(history, 'installSnapshot');
  const controllers = controllersOf(history);
  return {
    name: 'the run continued after both kills',
    ok: installs > 1 && controllers.length === 2,
    detail: `the install on ${firstNode(lab)} took ${installs} attempts; ${controllers.length} controllers worked on it`,
  };
}

/** In the database and the logs of every server, in the histories, in what the CLI printed. */
async function sharesLeftNoTrace({ lab, transcript }: Evidence): Promise<Check> {
  const shares = shareNeedles(lab.unsealShares);
  // What must be found shows that the search finds anything.
  const envelope = { name: 'envelope', bytes: Buffer.from('BEGIN AGE ENCRYPTED FILE') };
  const { files, found } = await findInLab(lab.directory, [...shares, envelope]);
  const workflowId = recoveryWorkflowId(CLUSTER);
  const [history, details] = await Promise.all([
    lab.temporalCli(['workflow', 'show', '--workflow-id', workflowId, '--output', 'json']),
    lab.temporalCli(['workflow', 'describe', '--workflow-id', workflowId]),
  ]);
  const shown = withPayloads(history.stdout);
  const texts = [shown, details.stdout, transcript];
  const leaks: Finding[] = [
    ...found.filter((item) => item.needle !== envelope.name),
    ...texts.flatMap((text) => findInText(text, shares).map((needle) => ({ needle, file: 'the output' }))),
  ];
  const searchWorks =
    found.some((item) => item.needle === envelope.name && item.file.includes('temporal.db')) &&
    findInText(shown, [envelope]).length > 0;
  const verdict = leaks.length === 0 ? 'nowhere' : leaks.map((leak) => `${leak.needle} in ${leak.file}`).join(', ');
  return {
    name: 'unseal shares in clear',
    ok: searchWorks && leaks.length === 0,
    detail: searchWorks
      ? `${verdict}; searched Temporal's database and history, all logs, ${files} files in all`
      : 'the search is unreliable: it does not even find the ciphertext',
  };
}

function names(lab: Lab): string {
  return lab.nodes.map((node) => node.name).join(', ');
}

function statuses(answers: { status: number }[]): string {
  return [...new Set(answers.map((answer) => answer.status))].join(' / ');
}
