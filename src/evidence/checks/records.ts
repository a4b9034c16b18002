import { formatCount } from '../../contract/format';
import { weigh, type Weighed } from '../verdict';
import type { Findings } from './findings';

/** Whether anything was removed, replaced, moved or forged. */
export function chain({ facts, against, silent }: Findings): Weighed {
  const copies = facts.views.reduce((sum, view) => sum + view.copies.length, 0);
  return weigh({
    against,
    open: [...silent, ...(copies === 0 ? ['no backup is there'] : [])],
    well: `the chain of ${formatCount(copies, 'copy', 'copies')} is whole, and all marks and reports are signed`,
  });
}

export function auditTrail({ facts, silent, trailOpen }: Findings): Weighed {
  const { trails, problems } = facts.trails;
  const records = trails.reduce((sum, trail) => sum + trail.records, 0);
  return weigh({
    against: problems,
    open: [...silent, ...trailOpen],
    well: `${formatCount(records, 'line')} in ${formatCount(trails.length, 'trail')}: whole, and as the heads in the repositories say`,
  });
}
