import { expectOpen } from '../../../src/cli/unseal';
import type { RecoveryMethod, RecoveryProgress } from '../../../src/contract/recovery';
import { nextStep } from '../../../workflows/run/recovery-details';

const shares = { required: 3, accepted: [{ holder: 'carol', at: '' }], refused: [], problem: null };

function progressOf(method: RecoveryMethod): RecoveryProgress {
  const recipients = [{ node: 'vault-1', recipient: 'age1', signature: '' }];
  const said: Partial<RecoveryProgress> = { cluster: 'prod', run: 'run-1', method, recipients, shares, parked: [] };
  return said as RecoveryProgress;
}

describe('whoever is asked for a share', () => {
  it.each<[RecoveryMethod, string]>([
    ['snapshot', 'Restore of prod'],
    ['peers', 'Recovery of the quorum of prod'],
    ['rebuild', 'Rebuild of a node of prod'],
  ])('is told what for, in a run of the kind %s', (method, title) => {
    const progress = progressOf(method);
    const sentence = new RegExp(`^The ${title} `, 'i');

    expect(expectOpen(progress).state).toBe(`${title}: 1 of 3 shares are here.`);
    expect(nextStep(progress)).toMatch(sentence);
    expect(() => expectOpen({ ...progress, shares: null })).toThrow(sentence);
  });
});
