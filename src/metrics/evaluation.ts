import type { ReadinessCheckName, ReadinessReport, ReadinessVerdict } from '../contract/readiness';
import { type Sample, samplesOf, seconds } from './families';

const VALUE_OF: Readonly<Record<ReadinessVerdict, number>> = { yes: 1, no: 0, unchecked: -1 };

/** Of the last evaluation. Seconds that are not known, and objectives that nobody has, are left out. */
export function evaluationSamples(report: ReadinessReport): Sample[] {
  const { cluster, verdict, evaluatedAt, checks, rpo, rto, backup } = report;
  const one = samplesOf(cluster);
  const verdictOn = (check: ReadinessCheckName) => {
    const found = checks.find((item) => item.check === check);
    return found && VALUE_OF[found.verdict];
  };
  return [
    ...one('vault_dr_recoverable', VALUE_OF[verdict]),
    ...one('vault_dr_readiness_evaluated_timestamp_seconds', seconds(evaluatedAt)),
    ...checks.flatMap((item) => one('vault_dr_readiness_check', VALUE_OF[item.verdict], { check: item.check })),
    ...one('vault_dr_chain_intact', verdictOn('chain')),
    ...one('vault_dr_audit_trail_intact', verdictOn('audit-trail')),
    ...one('vault_dr_predicted_recovery_seconds', rto?.machineSeconds, { part: 'machine' }),
    ...one('vault_dr_predicted_recovery_seconds', rto?.peopleSeconds, { part: 'people' }),
    ...one('vault_dr_objective_seconds', rpo.targetSeconds, { objective: 'rpo' }),
    ...one('vault_dr_objective_seconds', rto?.targetSeconds, { objective: 'rto' }),
    ...(backup?.copies ?? []).flatMap((repository) =>
      one('vault_dr_generation_newest_timestamp_seconds', seconds(backup!.capturedAt), { repository, check: 'hashed' }),
    ),
  ];
}
