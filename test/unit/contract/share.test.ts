import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { decodeShare, checkEnvelope } from '../../../src/contract/share';
import { encryptArmored, generateIdentity } from '../../../src/crypto/age';

const bytes = (length: number) => randomBytes(length);
const share = bytes(33);

describe('decodeShare', () => {
  it('gives the same for base64 and hexadecimal, with spaces around and in any case', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 33 }), (array) => {
        const buffer = Buffer.from(array);
        const hex = buffer.toString('hex');
        // Base64 that is hexadecimal at the same time is taken as that; no real share looks so.
        fc.pre(!/^[0-9a-f]+$/i.test(buffer.toString('base64')));
        expect(decodeShare(buffer.toString('base64'))).toBe(hex);
        expect(decodeShare(` ${hex.toUpperCase()}\n`)).toBe(hex);
      }),
    );
  });

  it.each([16, 17, 24, 25, 32, 33])('takes %i bytes', (length) => {
    const value = bytes(length);
    expect(decodeShare(value.toString('base64'))).toBe(value.toString('hex'));
  });

  it.each([1, 15, 34, 64])('takes no %i bytes, which no share has', (length) => {
    expect(decodeShare(bytes(length).toString('base64'))).toBeNull();
    expect(decodeShare(bytes(length).toString('hex'))).toBeNull();
  });

  it.each([
    ['nothing', ''],
    ['words', 'my secret unseal key that I kept'],
    ['a token', 'hvs.CAESIJ7c0mV0aGluZyBlbHNl'],
    ['an odd number of digits', share.toString('hex').slice(1)],
    ['base64 that was cut', share.toString('base64').slice(0, -1)],
    ['two shares', `${share.toString('base64')}\n${share.toString('base64')}`],
  ])('takes no %s', (_what, text) => {
    expect(decodeShare(text)).toBeNull();
  });
});

describe('checkEnvelope', () => {
  it('lets an armored age file through, with any line ends', async () => {
    const { recipient } = await generateIdentity();
    const envelope = await encryptArmored(share.toString('base64'), [recipient]);

    expect(checkEnvelope(envelope)).toEqual({ ok: true });
    expect(checkEnvelope(`\n${envelope.replace(/\n/g, '\r\n')}\n`)).toEqual({ ok: true });
  });

  it.each([
    ['base64', share.toString('base64')],
    ['hexadecimal', share.toString('hex')],
    ['quotes', `"${share.toString('base64')}"`],
    ['the line that Vault prints', `Unseal Key 1: ${share.toString('base64')}`],
    ['JSON', JSON.stringify({ keys: [share.toString('hex')] })],
  ])('names a share in clear as exposed (%s) and does not repeat it', (_form, text) => {
    const verdict = checkEnvelope(text);

    expect(verdict).toMatchObject({ ok: false, exposed: true, reason: expect.stringContaining('rekey') });
    expect(JSON.stringify(verdict)).not.toContain(share.toString('base64'));
    expect(JSON.stringify(verdict)).not.toContain(share.toString('hex'));
  });

  it.each([
    ['nothing', ''],
    ['words', 'I have lost my key, sorry'],
    ['a PGP message', '-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----'],
    ['an age file that was cut', '-----BEGIN AGE ENCRYPTED FILE-----\nYWdlLWVuY3J5cHRpb24ub3Jn\n'],
    ['text around an age file', 'Here:\n-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----'],
    ['an endless file', `-----BEGIN AGE ENCRYPTED FILE-----\n${'A'.repeat(20_000)}\n-----END AGE ENCRYPTED FILE-----`],
  ])('refuses %s, which exposes nothing', (_what, text) => {
    expect(checkEnvelope(text)).toMatchObject({
      ok: false,
      exposed: false,
      reason: expect.stringContaining('-----BEGIN AGE ENCRYPTED FILE-----'),
    });
  });

  it('answers at once, whatever is sent: it runs inside a workflow', () => {
    const hostile = `-----BEGIN AGE ENCRYPTED FILE-----${' '.repeat(16_000)}!-----END AGE ENCRYPTED FILE-----`;
    const begin = performance.now();

    expect(checkEnvelope(hostile).ok).toBe(false);
    expect(performance.now() - begin).toBeLessThan(5_000);
  });
});
