import { isCancellation, log } from '@temporalio/workflow';
import type { BackupResult, RetentionPolicy, RetentionReport } from '../../src/contract/backup';
import { since } from './few-steps';
import { problemOf } from './problems';
import type { Serving } from './serving';

interface Tidying {
  cluster: string;
  /** The backup of this run. */
  generation: string;
  policy: RetentionPolicy;
  /** Repositories that have it; the first of them first. */
  holders: readonly string[];
  /** All but that one. */
  others: readonly string[];
  serving: Serving;
  /** In one step, as far as nothing has to be copied. Not in histories from before this. */
  together: boolean;
  warn: (text: string) => void;
  beforeRetention: () => void;
}

interface Tidied {
  caughtUp: BackupResult['caughtUp'];
  retention: RetentionReport[];
  /** Of retention, for people. */
  problems: string[];
}

/** After a backup is stored: repositories that were down get what they missed, and what the policy no longer keeps goes. */
export async function tidyUp(tidying: Tidying): Promise<Tidied> {
  const { holders, together, beforeRetention, warn } = tidying;
  const at = together ? await tidyTogether(tidying) : { even: false, retention: [] };
  const caughtUp = at.even ? [] : await catchUp(tidying);
  beforeRetention();
  const problems: string[] = [];
  const retention = await Promise.all(
    holders.map(async (repository) => {
      const done = at.retention.find((report) => report.repository === repository);
      const report = done ?? (await retain(tidying, repository, problems));
      report?.warnings.forEach((warning) => warn(`retention in ${repository}: ${warning}`));
      return report;
    }),
  );
  return { caughtUp, retention: retention.filter((report) => report !== null), problems };
}

/** What is not done here is done step by step, with retries and reasons. */
async function tidyTogether({ cluster, generation, policy, holders, serving }: Tidying) {
  try {
    const asked = { cluster, repositories: [...holders], policy, newest: generation };
    return await serving.ask((steps) => steps.tidyRepositories(asked));
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('tidying up step by step', { problem: problemOf(error, 'tidyRepositories').problem });
    return { even: false, retention: [] };
  }
}

/** A failure is a warning; the next backup tries again. */
async function catchUp({ cluster, holders, others, serving, warn }: Tidying): Promise<Tidied['caughtUp']> {
  const [first = ''] = holders;
  const answering = others.filter((name) => holders.includes(name));
  const ways = answering.map((name) => ({ from: first, to: name }));
  // The first one may have been down as well, and others have what it missed. Not in histories from before this.
  if (answering.length > 0 && since('catch-up-the-first')) {
    ways.push(...answering.map((name) => ({ from: name, to: first })));
  }
  const done: Tidied['caughtUp'] = [];
  for (const { from, to } of ways) {
    try {
      const between = { cluster, from, to };
      for (const generation of await serving.ask((steps) => steps.listCatchUps(between))) {
        await serving.ask((steps) => steps.replicateGeneration({ ...between, generation }));
        done.push({ repository: to, generation });
      }
    } catch (error) {
      if (isCancellation(error)) throw error;
      warn(`catching ${to} up: ${problemOf(error, 'catch-up').problem}`);
    }
  }
  return done;
}

async function retain(
  { cluster, generation, policy, serving, warn }: Tidying,
  repository: string,
  problems: string[],
): Promise<RetentionReport | null> {
  try {
    return await serving.ask((steps) => steps.applyRetention({ cluster, repository, policy, newest: generation }));
  } catch (error) {
    if (isCancellation(error)) throw error;
    const problem = `retention in ${repository}: ${problemOf(error, 'retention').problem}`;
    warn(problem);
    problems.push(problem);
    return null;
  }
}
