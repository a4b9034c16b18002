import { viewSource } from '../../../../activities/controller/view-source';
import { denied, ok, type SmallAnswer, useSmallVault } from '../../../support/small-vault';

describe('a cluster whose backup goes into another one', () => {
  const vault = useSmallVault();
  const STATUS = 'sys/seal-status';
  const status = {
    type: 'shamir',
    initialized: true,
    sealed: false,
    t: 3,
    n: 5,
    progress: 0,
    nonce: '',
    version: '1.21.1',
  };

  it.each<[string, SmallAnswer, string[]]>([
    ['serves', ok(status), ['vault-1']],
    ['is sealed, and may be opened at any time', ok({ ...status, sealed: true }), ['vault-1']],
    ['has an error to tell', denied('no'), ['vault-1']],
    ['is blank, as a loss leaves it', ok({ ...status, initialized: false, sealed: true }), []],
    ['does not answer', 'cut', []],
  ])('is seen as it is when its node %s', async (_what, answer, answering) => {
    vault.answers()[STATUS] = () => answer;

    expect(await vault.run(viewSource, 'prod')).toEqual({ answering });
  });
});
