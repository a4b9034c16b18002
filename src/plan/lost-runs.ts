import { formatBytes, formatTime } from '../contract/format';
import type { UnfinishedRun } from '../contract/host';
import type { LostRun, NodePlan, RecoveryPlan } from '../contract/plan';
import type { NodeInspection } from './evaluate-node';

export interface LostRuns {
  /** Data that is put back first, by node. */
  lost: LostRun[];
  /** The nodes as they will be afterwards. */
  inspections: NodeInspection[];
  /** What the lost runs had done, in words. */
  warnings: string[];
}

/**
 * Finds what runs that never ended had set aside: if Temporal loses its database it loses the runs, but the hosts have
 * traces of them. The original data of a node was set aside by the run that wrote the current data directory.
 * @param ended runs with a report of their end
 * @param wish `of`: only this run; `leave`: the plan puts nothing back
 */
export function findLostRuns(
  inspections: readonly NodeInspection[],
  ended: readonly string[],
  { of = null, leave = false }: { of?: string | null; leave?: boolean } = {},
): LostRuns {
  const over = new Set([...ended, ...endedSomewhere(inspections)]);
  const lost: LostRun[] = [];
  const warnings: string[] = [];
  const after = inspections.map((inspection) => {
    const { node, report } = inspection;
    const runs = (report?.unfinished ?? []).filter(({ run }) => !over.has(run) && (of === null || run === of));
    const undone = leave ? undefined : runs.find((item) => canPutBack(item, inspection));
    warnings.push(...runs.map((item) => `${node}: ${describe(item, inspection, item === undone)}`));
    if (!undone || report === null) return inspection;
    const { setAside, keptConsul } = undone;
    if (keptConsul) {
      lost.push({ node, run: undone.run, original: keptConsul.path, isConsul: true });
      return inspection;
    }
    lost.push({ node, run: undone.run, original: setAside?.path ?? null });
    const dataDir = { ...report.dataDir, exists: true, empty: setAside === null };
    const data = { dataDir, install: null, storage: setAside?.storage ?? null, storageProblem: null };
    return { ...inspection, report: { ...report, ...data } };
  });
  return { lost, inspections: after, warnings };
}

/** The command that puts the original data back, and where that data is. */
export function wayBackText(cluster: string, lost: readonly LostRun[]): string {
  const [{ run, isConsul = false } = { run: '', isConsul: false }] = lost;
  const nodes = lost.filter((item) => item.run === run).map(({ node }) => node);
  return (
    `run ${run} never ended, and ${isConsul ? `what it kept on ${nodes.join(', ')} is what was in Consul before it` : `what it set aside is the original data of ${nodes.join(', ')}`}: ` +
    `\`vault-dr roll-back --cluster ${cluster} --of ${run}\` puts it back`
  );
}

/** The lost run whose data is put back on one node. */
export function lostRunOn(plan: RecoveryPlan, node: string): string | null {
  const lost = 'lost' in plan ? plan.lost : undefined;
  return lost?.find((item) => item.node === node)?.run ?? null;
}

/** A run that ended on some hosts has also ended on those that could not be reached. */
function endedSomewhere(inspections: readonly NodeInspection[]): string[] {
  return inspections.flatMap(({ report }) => {
    const made = report?.dataDir.madeByRun ?? null;
    if (made === null || report?.unfinished === undefined) return [];
    return report.unfinished.some(({ run }) => run === made) ? [] : [made];
  });
}

function canPutBack(item: UnfinishedRun, { report }: NodeInspection): boolean {
  const { beganToSetAside, setAside, madeDataDir, isHalfMoved, keptConsul } = item;
  if (!beganToSetAside) return false;
  if (isHalfMoved || keptConsul) return true;
  // If it was killed between two renames, there is no data directory at all.
  return madeDataDir || (setAside !== null && report?.dataDir.exists === false);
}

function describe(item: UnfinishedRun, { report }: NodeInspection, isPutBack: boolean): string {
  const { run, startedAt, staged, beganToSetAside, setAside, madeDataDir, keptConsul } = item;
  const did = [
    ...(staged === null ? [] : [`staged the backup ${staged}`]),
    ...(setAside === null
      ? []
      : [
          item.isHalfMoved
            ? `set part of the original data aside in ${setAside.path}`
            : `set the original data aside in ${setAside.path} (${formatBytes(setAside.sizeBytes)})`,
        ]),
    ...(madeDataDir ? [madeText(report)] : []),
    ...(keptConsul
      ? [`kept what was in Consul in ${keptConsul.path} (${formatBytes(keptConsul.sizeBytes)}), to replace it`]
      : []),
  ];
  const begun = did.length === 0 ? 'claimed the host' : listed(did);
  const data = ((): string => {
    if (keptConsul && isPutBack) return 'That is put back first.';
    if (keptConsul) return `This plan leaves it there; \`vault-dr roll-back --of ${run}\` puts it back.`;
    if (isPutBack && setAside === null) return 'There was no data before it; the data it wrote is kept next to it.';
    if (isPutBack) return 'The original data is put back first.';
    if (setAside !== null && madeDataDir) return `This plan leaves ${setAside.path} where it is.`;
    if (setAside !== null) return `The data directory is not from that run, so ${setAside.path} stays where it is.`;
    const stopped = report?.service === 'stopped' ? '; Vault is stopped' : '';
    return `${beganToSetAside || madeDataDir ? 'Nothing has to be put back' : 'It had not touched the data'}${stopped}.`;
  })();
  return `run ${run}${startedAt === '' ? '' : `, started ${formatTime(startedAt)},`} did not end here; it had ${begun}. ${data}`;
}

function madeText(report: NodeInspection['report']): string {
  if (report?.install) return `installed the backup ${report.install.generation}, which nobody has unsealed`;
  if (report?.dataDir.empty === true) return 'put an empty data directory in its place';
  return 'written the data that is there now';
}

function listed(items: string[]): string {
  const [last = '', ...before] = items.toReversed();
  return before.length === 0 ? last : `${before.toReversed().join(', ')} and ${last}`;
}

/** Adds to the steps of a plan what is put back first. */
export function withPutBack(
  steps: RecoveryPlan['steps'],
  lost: readonly LostRun[],
  nodes: readonly NodePlan[],
): RecoveryPlan['steps'] {
  const planOf = (name: string) => nodes.find((node) => node.name === name);
  return steps.map(({ node, steps: all }) => {
    const found = lost.find((item) => item.node === node);
    if (!found) return { node, steps: all };
    const at = all.indexOf('stop Vault') + 1;
    if (found.isConsul) {
      const back = `put back what was in Consul, kept in ${found.original}, and delete Vault's lock in it`;
      return { node, steps: [...all.slice(0, at), back, ...all.slice(at)] };
    }
    const { dataDir = '', layout = 'beside' } = planOf(node) ?? {};
    const isInside = found.original?.endsWith(`/.pre-restore-${found.run}`) ?? layout === 'inside';
    const kept = `the data written by run ${found.run} is kept as ${dataDir}${isInside ? '/' : ''}.rolled-back-${found.run}`;
    const how = isInside
      ? `move the contents of ${found.original} back to ${dataDir}`
      : `rename ${found.original} to ${dataDir}`;
    const back =
      found.original === null
        ? `empty ${dataDir}, which held nothing before; ${kept}`
        : `put the original data back: ${how}; ${kept}`;
    return { node, steps: [...all.slice(0, at), back, ...all.slice(at)] };
  });
}
