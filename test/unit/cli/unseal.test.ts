import { expectOpen } from '../../../src/cli/unseal';
import type { RecoveryMethod, RecoveryProgress } from '../../../src/contract/recovery';
import { nextStep } from '../../../src/contract/voice/one-line';
import { progressWith } from '../../support/run-samples';

const shares = { required: 3, accepted: [{ holder: 'carol', at: '' }], refused: [], problem: null };

function progressOf(method: RecoveryMethod): RecoveryProgress {
  const recipients = [{ node: 'vault-1', recipient: 'age1', signature: '' }];
  return progressWith({ method, status: 'waiting', waitingFor: 'shares', recipients, shares });
}

describe('whoever is asked for a share', () => {
  it.each<[RecoveryMethod, string]>([
    ['snapshot', 'Restore of prod'],
    ['peers', 'Recovery of the quorum of prod'],
    ['rebuild', 'Rebuild of a node of prod'],
  ])('asks for the share with its purpose, in a run of the kind %s', (method, title) => {
    const progress = progressOf(method);

    expect(expectOpen(progress).state).toBe(`${title}: 1 of 3 shares received.`);
    expect(nextStep(progress)).toContain(
      `${title}: waits for key holders (1 of 3). Each key holder, once: vault-dr unseal`,
    );
    expect(() => expectOpen({ ...progress, shares: null })).toThrow(
      new RegExp(`^The ${title} does not accept shares now`, 'i'),
    );
  });
});
