import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import {
  decryptArmored,
  decryptFrom,
  encryptArmored,
  encryptTo,
  generateIdentity,
  parseIdentities,
} from '../../../src/crypto/age';
import { checkEnvelope } from '../../../src/contract/share';
import { DrError } from '../../../src/contract/failures';
import { failureOf } from '../../support/thrown';

/** Made with age 1.1.1: `age-keygen -o FILE`, then `printf 'unseal share number one' | age -a -r RECIPIENT`. */
const IDENTITY_FILE = `# created: 2026-11-23T06:50:51Z
# public key: age16s6qjslwd035z6ug3nqllmpugk7vq7nsfyaes3qlx55jnzsmn5xqc5690t
AGE-SECRET-KEY-15TEFDQAV0MTYFFCG6N9UR08PS4SLZEUW5GM0Q6YW6LS0WM5D28KQJA5RNN
`;
const ARMORED = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBnaG5Hd2Z0RHo3NDNyMVhC
QkFja0V0d1U2L01yNVQvNVYxOTRuMlhuZlJJCllVTTR1U081c0VmNmlTeEw1MnFk
cXY1a0J3dXNtUmRLeHdQZDB1QnJZNTQKLS0tICtVcWtzRTV2VGNiOE9OenVybE1l
ZHNWUlQzNW83S0ZSc2RVM3Z1dWIwK1kK43MwIC2LiCUJRJ6PCzWIDMbVF28bM8AS
tukUPU2w6km3HE7VEvd5UUtkb6DGTwbxX/sDZ5fjAA==
-----END AGE ENCRYPTED FILE-----
`;
/** Three chunks of age's 64 KiB, the last one not full. */
const PLAINTEXT = randomBytes(150_000);

function codeOf(error: unknown): string {
  return error instanceof DrError ? error.code : String(error);
}

async function encrypted(...recipients: string[]): Promise<Buffer> {
  return buffer(await encryptTo(Readable.from([PLAINTEXT]), recipients));
}

describe('streams', () => {
  it('come back as they were for each of the recipients', async () => {
    const [one, two] = [await generateIdentity(), await generateIdentity()];

    const ciphertext = await encrypted(one.recipient, two.recipient);

    expect(ciphertext.indexOf(PLAINTEXT.subarray(0, 32))).toBe(-1);
    for (const { identity } of [one, two]) {
      const plaintext = await buffer(await decryptFrom(Readable.from([ciphertext]), [identity]));
      expect(plaintext.equals(PLAINTEXT)).toBe(true);
    }
  });

  it('are open to an identity file among others that do not fit', async () => {
    const other = await generateIdentity();
    const ciphertext = await encrypted('age16s6qjslwd035z6ug3nqllmpugk7vq7nsfyaes3qlx55jnzsmn5xqc5690t');

    const plaintext = await buffer(await decryptFrom(Readable.from([ciphertext]), [other.identity, IDENTITY_FILE]));

    expect(plaintext.equals(PLAINTEXT)).toBe(true);
  });

  it('say which recipients there are when no identity fits, and show no identity', async () => {
    const [owner, stranger] = [await generateIdentity(), await generateIdentity()];
    const ciphertext = await encrypted(owner.recipient);

    const failure = await failureOf(
      decryptFrom(Readable.from([ciphertext]), [stranger.identity], {
        where: 'vault-1',
        recipients: [owner.recipient],
      }),
    );

    expect(failure.code).toBe('DecryptionFailed');
    expect(failure.advice).toContain(owner.recipient);
    expect(`${failure.message} ${failure.advice} ${String(failure.cause)}`).not.toContain('AGE-SECRET-KEY-1');
  });

  it.each([
    ['cut inside the header', (bytes: Buffer) => bytes.subarray(0, 40)],
    ['cut at a chunk', (bytes: Buffer) => bytes.subarray(0, bytes.length - (150_000 % 65_536) - 16)],
    ['cut by one byte', (bytes: Buffer) => bytes.subarray(0, -1)],
    ['longer by one byte', (bytes: Buffer) => Buffer.concat([bytes, Buffer.of(0)])],
    ['empty', () => Buffer.alloc(0)],
  ])('that are %s are damaged copies', async (_how, damage) => {
    const { identity, recipient } = await generateIdentity();
    const bytes = damage(await encrypted(recipient));

    const failure = await failureOf(decryptFrom(Readable.from([bytes]), [identity]).then(buffer));

    expect(failure.code).toBe('CopyDamaged');
  });

  it('notice any flipped bit', async () => {
    const { identity, recipient } = await generateIdentity();
    const whole = await encrypted(recipient);
    const codes = new Set<string>();

    for (let round = 0; round < 60; round++) {
      const bytes = Buffer.from(whole);
      // From the ephemeral share on: before it stand the version and the type of the recipient.
      const at = 34 + Math.floor((round / 60) * (bytes.length - 34));
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (round % 8));
      codes.add(
        await decryptFrom(Readable.from([bytes]), [identity])
          .then(buffer)
          .then(() => 'undetected', codeOf),
      );
    }

    expect([...codes].filter((code) => code !== 'CopyDamaged' && code !== 'DecryptionFailed')).toEqual([]);
  });

  it('pass on the error of their source as it is', async () => {
    const { identity, recipient } = await generateIdentity();
    const ciphertext = await encrypted(recipient);
    const gone = new DrError('RepositoryUnavailable', 'the bucket went away');
    const breaking = Readable.from(
      (function* () {
        yield ciphertext.subarray(0, 100_000);
        throw gone;
      })(),
    );

    await expect(decryptFrom(breaking, [identity]).then(buffer)).rejects.toBe(gone);
  });

  it('stop their source when nobody reads on', async () => {
    const { recipient } = await generateIdentity();
    const source = new Readable({
      read() {
        this.push(Buffer.alloc(65_536));
      },
    });
    const stream = await encryptTo(source, [recipient]);

    stream.once('data', () => stream.destroy());
    await new Promise((resolve) => source.once('close', resolve));

    expect(source.destroyed).toBe(true);
  });

  it('refuse to encrypt to nobody or to something else', async () => {
    const nobody = await failureOf(encryptTo(Readable.from([PLAINTEXT]), []));
    const other = await failureOf(encryptTo(Readable.from([PLAINTEXT]), ['age1nonsense']));

    expect([nobody.code, other.code]).toEqual(['InvalidConfiguration', 'InvalidConfiguration']);
  });
});

describe('identity files', () => {
  it('hold identities between comments', () => {
    const identities = parseIdentities(`${IDENTITY_FILE}\n# old one\r\nAGE-SECRET-KEY-1ABC\r\n`);

    expect(identities).toEqual([
      'AGE-SECRET-KEY-15TEFDQAV0MTYFFCG6N9UR08PS4SLZEUW5GM0Q6YW6LS0WM5D28KQJA5RNN',
      'AGE-SECRET-KEY-1ABC',
    ]);
  });

  it.each(['', '# only a comment', 'age16s6qjslwd035z6', 'AGE-SECRET-KEY-1ABC\nsecret'])(
    'are refused without being quoted: %j',
    (text) => {
      const parse = () => parseIdentities(text);

      expect(parse).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }));
      expect(parse).not.toThrow(/ABC|secret\b/);
    },
  );
});

describe('armored messages', () => {
  it('that age itself made open', async () => {
    const share = await decryptArmored(ARMORED, [IDENTITY_FILE]);

    expect(share).toBe('unseal share number one');
  });

  it('come back as they were for every recipient', async () => {
    const agents = [await generateIdentity(), await generateIdentity(), await generateIdentity()];

    const armored = await encryptArmored(
      'a share',
      agents.map(({ recipient }) => recipient),
    );

    expect(checkEnvelope(armored)).toEqual({ ok: true });
    for (const { identity } of agents) expect(await decryptArmored(armored, [identity])).toBe('a share');
  });

  it('that are damaged or for others say so', async () => {
    const stranger = await generateIdentity();

    const forOthers = await failureOf(decryptArmored(ARMORED, [stranger.identity]));
    const damaged = await failureOf(decryptArmored(ARMORED.replace('xX/sDZ', 'xX/sDY'), [IDENTITY_FILE]));
    const plain = await failureOf(decryptArmored('a share in clear', [IDENTITY_FILE]));

    expect([forOthers.code, damaged.code, plain.code]).toEqual(['DecryptionFailed', 'CopyDamaged', 'CopyDamaged']);
    expect(plain.message).not.toContain('in clear');
  });
});
