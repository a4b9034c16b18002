import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VaultClient } from '../../../src/vault/client';
import { decodeRootToken, generateRoot, RootTokens } from '../../../src/vault/root-token';
import { rejectionOf } from '../../support/thrown';

const OTP = 'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8v';
const TOKEN = 'hvs.EXAMPLEexampleEXAMPLEexam';
const ENCODED = Buffer.from(Buffer.from(TOKEN).map((byte, index) => byte ^ OTP.charCodeAt(index)))
  .toString('base64')
  .replace(/=+$/, '');

it('decodes a root token', () => {
  expect(decodeRootToken(ENCODED, OTP)).toBe(TOKEN);
});

describe('a server that makes root tokens', () => {
  let server: Server;
  let vault: VaultClient;
  let asked: string[];
  let refuses: boolean;

  beforeEach(async () => {
    asked = [];
    refuses = false;
    let given = 0;
    // Answers in the form of Vault: a real one is asked in test/e2e/recover.test.ts.
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const isUpdate = request.url!.endsWith('/update');
      if (isUpdate) given += 1;
      const complete = given === 2;
      if (isUpdate && refuses) {
        given = 0;
        response.writeHead(400).end(JSON.stringify({ errors: ['root generation aborted: invalid key'] }));
        return;
      }
      const answer = { nonce: 'n', required: 2, progress: given, complete, otp: isUpdate ? '' : OTP };
      response.end(JSON.stringify({ ...answer, encoded_token: complete ? ENCODED : '' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    vault = new VaultClient({ node: 'vault-1', address: `http://127.0.0.1:${port}` });
  });

  afterEach(async () => {
    await vault.close();
    server.close();
  });

  it('is given no more shares than it needs', async () => {
    expect(await generateRoot(vault, ['one', 'two', 'three'])).toBe(TOKEN);
    expect(asked).toEqual([
      'POST /v1/sys/generate-root/attempt',
      ...Array<string>(2).fill('POST /v1/sys/generate-root/update'),
    ]);
  });

  it('is left as it was if there are too few', async () => {
    const error = await rejectionOf(generateRoot(vault, ['one']));

    expect(error).toMatchObject({ code: 'VaultRefused', message: 'A root token needs 2 shares; 1 are too few.' });
    expect(asked.at(-1)).toBe('DELETE /v1/sys/generate-root/attempt');
  });

  it('says of one set after another whether it makes one, in one attempt as long as none does', async () => {
    const tokens = new RootTokens(vault);
    refuses = true;
    expect(await tokens.areMadeBy(['wrong', 'two'])).toBe(false);
    refuses = false;
    expect(await tokens.areMadeBy(['one', 'two'])).toBe(true);
    await tokens.end();

    expect(asked.filter((request) => !request.endsWith('/update'))).toEqual(['POST /v1/sys/generate-root/attempt']);
  });
});
