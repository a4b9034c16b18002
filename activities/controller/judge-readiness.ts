import { clusterOf, repositoryConfigOf } from '../../src/config/load';
import { restoreInput } from '../../src/contract/input';
import { type ChosenGeneration, CLUSTER_DOWN } from '../../src/contract/plan';
import { type ReadinessReport, verdictOf } from '../../src/contract/readiness';
import type { ControllerInput } from '../../src/contract/step-input/controller';
import { encryptionOf } from '../../src/crypto/encryption';
import type { Finding } from '../../src/plan/findings';
import { findingsOnceLost } from '../../src/plan/restore-findings';
import { ageOf } from '../../src/ready/backups';
import { evaluateChecks } from '../../src/ready/checks';
import { practicePolicy } from '../../src/ready/policy';
import { expectedTime } from '../../src/ready/recovery-time';
import type { ReadinessPolicy } from '../../src/ready/facts';
import { settingsOf } from './confirm';
import type { Controller } from './context';
import { endedAmong, fingerprintOf } from './make-plan';

type Judged = Pick<ReadinessReport, 'evaluatedAt' | 'verdict' | 'backup' | 'rpo' | 'rto' | 'checks'>;

/** Weighs what was gathered; the policy is that of the configuration as it is now. */
export async function judgeReadiness(
  controller: Controller,
  { cluster, facts }: ControllerInput<'judgeReadiness'>,
): Promise<Judged> {
  const now = new Date().toISOString();
  const settings = settingsOf(controller, { cluster });
  const chosen = facts.backups.result?.chosen ?? null;
  const policy = policyOf(controller, cluster, chosen);
  const findings = await standingAgainst(controller, { cluster, facts }, now);
  const checks = evaluateChecks({ ...facts, settings, findings, policy, now });
  const capturedAt = chosen?.copy.manifest.capturedAt;
  return {
    evaluatedAt: now,
    verdict: verdictOf(checks),
    backup: chosen && {
      generation: chosen.copy.generation,
      capturedAt: chosen.copy.manifest.capturedAt,
      copies: chosen.healthy,
    },
    rpo: {
      targetSeconds: policy.rpoSeconds,
      expectedSeconds: capturedAt === undefined ? null : ageOf(capturedAt, now),
    },
    rto: expectedTime(facts.backups.result ?? { restores: [], drills: [] }, policy.rto),
    checks,
  };
}

function policyOf({ config }: Controller, name: string, chosen: ChosenGeneration | null): ReadinessPolicy {
  const cluster = clusterOf(config, name);
  return {
    ...practicePolicy(cluster, chosen?.copy.manifest.seal.type ?? null),
    peopleLogin: cluster.restore.peopleLogin ?? null,
    locking: cluster.repositories.filter((one) => 'objectLock' in repositoryConfigOf(config, one)),
  };
}

/** Null if there is nothing that a plan could be made of. */
async function standingAgainst(
  controller: Controller,
  { cluster, facts }: ControllerInput<'judgeReadiness'>,
  now: string,
): Promise<Finding[] | null> {
  const { live, inspections, backups } = facts;
  const chosen = backups.result?.chosen ?? null;
  if (chosen === null) return null;
  const [credential, ended] = await Promise.all([
    fingerprintOf(controller, cluster),
    endedAmong(controller, cluster, inspections),
  ]);
  return findingsOnceLost({
    input: restoreInput.parse({ cluster }),
    settings: settingsOf(controller, { cluster }),
    chosen,
    inspections: inspections.map(({ node, report, problem }) => ({ node, report, problem })),
    live: live.result ?? { ...CLUSTER_DOWN, problem: live.problem },
    credential,
    recipients: encryptionOf(controller.cluster(cluster).backup.encryption).recipients,
    inPlaceProblem: null,
    ended,
    now,
  });
}
