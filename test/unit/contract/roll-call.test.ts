import { evaluateRollCall, type HolderOutcome, type RollCalled } from '../../../src/contract/roll-call';

const SEAL = { secretShares: 5, secretThreshold: 3 };
const POLICY = { holders: ['ana', 'ben', 'cleo', 'dan', 'eve'], everyDays: 90 };
const NOW = new Date('2026-11-28T00:00:00.000Z');

function call(at: string, outcomes: Record<string, HolderOutcome>, more: Partial<RollCalled> = {}): RollCalled {
  const holders = Object.entries(outcomes).map(([holder, outcome]) => ({
    holder,
    outcome,
    shares: outcome === 'right' ? 1 : 0,
  }));
  const backup = { generation: '20261123T040000Z-000000000042-0a1b2c3d', manifestSha256: 'ab'.repeat(32) };
  return { ...backup, at, run: at, repository: 'local', keys: 'unseal', shares: 5, threshold: 3, holders, ...more };
}

const evaluate = (...evidence: RollCalled[]) => evaluateRollCall(evidence, POLICY, SEAL, NOW);
const outcomeOf = (holder: string, ...evidence: RollCalled[]) =>
  evaluate(...evidence).holders.find((one) => one.holder === holder);

describe('what roll-calls amount to', () => {
  it('is nothing without any, and names those who are expected', () => {
    const standing = evaluate();

    expect(standing).toMatchObject({ wanted: 4, proven: 0, enough: false });
    expect(standing.holders.map(({ holder, outcome }) => [holder, outcome])).toEqual(
      POLICY.holders.map((holder) => [holder, 'never called']),
    );
  });

  it('is enough with one share more than the threshold, from several of them and in any order', () => {
    const first = call('2026-11-01T00:00:00.000Z', { ana: 'right', ben: 'right', cleo: 'right', dan: 'silent' });
    const second = call('2026-11-20T00:00:00.000Z', { dan: 'right', ana: 'silent', ben: 'unproven', cleo: 'silent' });

    expect(evaluate(first)).toMatchObject({ proven: 3, enough: false });
    expect(evaluate(second, first)).toMatchObject({ proven: 4, enough: true });
    expect(outcomeOf('ana', second, first)).toEqual({
      holder: 'ana',
      outcome: 'silent',
      provenAt: first.at,
      counts: true,
    });
  });

  it('does not count who was right once, and wrong since', () => {
    const before = call('2026-11-01T00:00:00.000Z', { ana: 'right' });
    const after = call('2026-11-02T00:00:00.000Z', { ana: 'wrong' });

    expect(outcomeOf('ana', after, before)).toMatchObject({ outcome: 'wrong', provenAt: null, counts: false });
    expect(outcomeOf('ana', { ...before, at: '2026-11-03T00:00:00.000Z' }, after)).toMatchObject({ counts: true });
  });

  it('does not count what is too long ago, or of a seal of other numbers', () => {
    const long = call('2026-08-01T00:00:00.000Z', { ana: 'right' });
    const other = call('2026-11-01T00:00:00.000Z', { ana: 'right' }, { shares: 3, threshold: 2 });

    expect(outcomeOf('ana', long)).toMatchObject({ provenAt: long.at, counts: false });
    expect(outcomeOf('ana', other)).toMatchObject({ outcome: 'never called', counts: false });
  });

  it('asks for no more shares than there are, and counts all of a holder', () => {
    const both = call('2026-11-01T00:00:00.000Z', {}, { shares: 2, threshold: 2 });
    const holders = [{ holder: 'ana', outcome: 'right' as const, shares: 2 }];

    expect(
      evaluateRollCall(
        [{ ...both, holders }],
        { holders: [], everyDays: 90 },
        { secretShares: 2, secretThreshold: 2 },
        NOW,
      ),
    ).toMatchObject({ wanted: 2, proven: 2, enough: true });
  });
});
