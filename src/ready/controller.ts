import { formatCount } from '../contract/format';
import { surveyed } from './backups';
import type { Check } from './facts';
import { listed, no, unchecked, yes } from './finding';

/** Without it no backup is made, and no mark is left. */
export const signingKey: Check = (facts) =>
  surveyed(facts, ({ own }) => {
    const { controller, signingKeysMatch, signingProblem } = own;
    if (signingKeysMatch) return yes(`the signing keys of ${controller} belong together`);
    const seen =
      signingProblem?.replace(/\.$/, '') ?? 'signing.publicKeyFile is not the public half of signing.privateKey';
    return no(`${controller}: ${seen}`, 'On that host: vault-dr doctor controller');
  });

/** That of the controller that has read the backups. */
export const auditTrail: Check = (facts) =>
  surveyed(facts, ({ own }) => {
    const { controller, trail, trailProblem } = own;
    if (trail === null) {
      return unchecked(
        `${controller}: ${trailProblem?.replace(/\.$/, '') ?? 'unknown'}`,
        'On that host: vault-dr audit verify',
      );
    }
    if (trail.problems.length === 0)
      return yes(`the trail of ${controller} is whole, ${formatCount(trail.records, 'record')}`);
    return no(`the trail of ${controller}: ${listed(trail.problems)}`, 'On that host: vault-dr audit verify');
  });
