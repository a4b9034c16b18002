import { ShareJudge } from '../../../src/sandbox/share-judge';

const SHARES = [1, 2, 3].map((byte) => Buffer.alloc(33, byte));
const hex = SHARES.map((share) => share.toString('hex'));

describe('what tries shares', () => {
  it.each([
    ['again', hex[0]!],
    ['in base64', SHARES[0]!.toString('base64')],
    ['in capitals', hex[0]!.toUpperCase()],
  ])('takes no share that is there %s, which would prove it for two holders', (_how, again) => {
    expect(() => new ShareJudge([...hex, again], 3)).toThrow(
      expect.objectContaining({ code: 'ShareRefused', message: expect.not.stringContaining(again) as string }),
    );
  });

  it('finds the set that opens', async () => {
    const judge = new ShareJudge(hex, 2);

    await expect(judge.findOpening((set) => Promise.resolve(!set.includes(hex[0]!)))).resolves.toEqual(hex.slice(1));
    expect(judge.outcomes).toEqual(['wrong', 'right', 'right']);
  });
});
