import { walkMessage } from '../../../src/contract/message-bounds';
import { findsShareInClear } from '../../../src/contract/share';

const SHARE = Buffer.alloc(33, 7).toString('base64');
const nested = (depth: number, core = '1') => JSON.parse('['.repeat(depth) + core + ']'.repeat(depth)) as unknown;

describe('walkMessage', () => {
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['a message', { approver: 'ben', planHash: 'abc' }],
    ['what is just deep enough', nested(64)],
    ['what has just enough parts', Array.from({ length: 9_999 }, () => 0)],
    ['what is just long enough', 'x'.repeat(256 * 1024)],
  ])('reads %s to its end', (_what, message) => {
    expect(walkMessage(message)).toBeNull();
  });

  it.each<[string, unknown, string]>([
    ['JSON that is nested', nested(65), 'it is nested more than 64 deep'],
    ['JSON that is nested without end', nested(100_000), 'it is nested more than 64 deep'],
    ['a long list', Array.from({ length: 10_000 }, () => 0), 'it has more than 10000 parts'],
    [
      'many lists',
      Array.from({ length: 200 }, () => Array.from({ length: 100 }, () => 0)),
      'it has more than 10000 parts',
    ],
    ['a long text', 'x'.repeat(256 * 1024 + 1), 'it has more than 256 KiB of text'],
    ['many texts', Array.from({ length: 300 }, () => 'x'.repeat(1024)), 'it has more than 256 KiB of text'],
    ['the name of a field', { ['x'.repeat(300_000)]: 1 }, 'it has more than 256 KiB of text'],
  ])('gives up on %s, and says why', (_what, message, reason) => {
    const begin = performance.now();

    expect(walkMessage(message)).toBe(reason);
    expect(performance.now() - begin).toBeLessThan(10_000);
  });
});

describe('findsShareInClear', () => {
  it.each<[string, unknown]>([
    ['a text', SHARE],
    ['a list in a list', [[['x', SHARE]]]],
    ['a field', { a: { b: `Unseal Key 1: ${SHARE}` } }],
    ['the name of a field', { [SHARE]: 'x' }],
  ])('finds one in %s', (_what, message) => {
    expect(findsShareInClear(message)).toBe(true);
  });

  it.each<[string, unknown]>([
    ['nothing', null],
    ['an age file', `-----BEGIN AGE ENCRYPTED FILE-----\n${SHARE}`],
    ['what is nested without end', nested(5_000, `"${SHARE}"`)],
  ])('finds none in %s', (_what, message) => {
    expect(findsShareInClear(message)).toBe(false);
  });

  it('knows a hash', () => {
    expect(findsShareInClear({ planHash: 'a'.repeat(64) }, ['a'.repeat(64)])).toBe(false);
  });
});
