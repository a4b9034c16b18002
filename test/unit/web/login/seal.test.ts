import { randomBytes } from 'node:crypto';
import type { Principal } from '../../../../src/web/login/principal';
import { Seal, sealSecret } from '../../../../src/web/login/seal';
import { Sessions } from '../../../../src/web/login/session';
import { thrownBy } from '../../../support/thrown';

const SECRET = Buffer.alloc(32, 7);
const ANN: Principal = { name: 'ann', issuer: 'https://id.example.com', subject: '4711', roles: ['viewer'] };
const NOW = Date.parse('2026-11-28T20:00:00Z');

describe('what is sealed', () => {
  const seal = new Seal(SECRET, 'a');
  const sealed = seal.seal('session', { text: 'hello' }, NOW + 1_000);

  it('is opened by whoever has the key and the settings', () => {
    expect(new Seal(SECRET, 'a').open('session', sealed, NOW)).toEqual({ text: 'hello' });
  });

  it('says nothing of what it is', () => {
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('hello');
    expect(seal.seal('session', { text: 'hello' }, NOW + 1_000)).not.toBe(sealed);
  });

  it.each([
    ['for another purpose', () => seal.open('login', sealed, NOW)],
    ['with other settings', () => new Seal(SECRET, 'b').open('session', sealed, NOW)],
    ['with another key', () => new Seal(randomBytes(32), 'a').open('session', sealed, NOW)],
    ['once it is over', () => seal.open('session', sealed, NOW + 1_000)],
    ['cut short', () => seal.open('session', sealed.slice(0, -2), NOW)],
    ['empty', () => seal.open('session', '', NOW)],
    ['that is none', () => seal.open('session', 'A'.repeat(100), NOW)],
    ['that is too long', () => seal.open('session', 'A'.repeat(10_000), NOW)],
    ['that is not there', () => seal.open('session', undefined, NOW)],
  ])('is not opened %s', (_, open) => {
    expect(open()).toBeNull();
  });

  it('is not opened with any bit changed', () => {
    const bytes = Buffer.from(sealed, 'base64url');
    const opened = Array.from(bytes, (byte, index) => {
      const changed = Buffer.from(bytes);
      changed[index] = byte ^ 1;
      return seal.open('session', changed.toString('base64url'), NOW);
    });
    expect(opened.every((value) => value === null)).toBe(true);
  });

  it('does not fit into a cookie if it is too much', () => {
    expect(() => seal.seal('session', { text: 'a'.repeat(4_000) }, NOW)).toThrow('does not fit into a cookie');
  });

  it('has tags that belong to one purpose and one text', () => {
    const tag = seal.tag('csrf', 'id');
    expect(seal.isTag(tag, 'csrf', 'id')).toBe(true);
    expect(seal.isTag(tag, 'csrf', 'other')).toBe(false);
    expect(seal.isTag(tag, 'confirm', 'id')).toBe(false);
    expect(seal.isTag(undefined, 'csrf', 'id')).toBe(false);
    expect(new Seal(randomBytes(32), 'a').isTag(tag, 'csrf', 'id')).toBe(false);
  });
});

describe('the key of cookies', () => {
  it('is made for each start, or is the configured one', () => {
    expect(sealSecret(null)).not.toEqual(sealSecret(null));
    expect(sealSecret(SECRET.toString('base64'))).toEqual(SECRET);
  });

  it.each(['', 'hunter2', 'a'.repeat(20), '!'.repeat(64)])('is not %j', (configured) => {
    const error = thrownBy(() => sealSecret(configured));
    expect(error).toMatchObject({ code: 'InvalidConfiguration' });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });
});

describe('sessions', () => {
  const sessions = new Sessions(new Seal(SECRET, 'a'), 60);

  it('are of their own for each login', () => {
    const [first, second] = [sessions.begin(ANN, NOW), sessions.begin(ANN, NOW)];
    expect(sessions.of(first, NOW)?.principal).toEqual(ANN);
    expect(sessions.of(first, NOW)?.id).not.toBe(sessions.of(second, NOW)?.id);
  });

  it('end by themselves, and when somebody logs out', () => {
    const [cookie, other] = [sessions.begin(ANN, NOW), sessions.begin(ANN, NOW)];
    expect(sessions.of(cookie, NOW + 60 * 60_000)).toBeNull();
    sessions.end(sessions.of(cookie, NOW)!, NOW);
    expect(sessions.of(cookie, NOW)).toBeNull();
    expect(sessions.of(other, NOW)?.principal).toEqual(ANN);
  });
});
