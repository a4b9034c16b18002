import { mkdir, writeFile } from 'node:fs/promises';
import { readSecret } from '../../../src/config/secret';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const VARIABLE = 'VAULT_DR_TEST_SECRET';

afterEach(() => {
  delete process.env[VARIABLE];
});

describe('readSecret', () => {
  it('reads a credential that systemd has given to this unit', async () => {
    await writeFile(inTest('role-id'), 's3cret\n');
    process.env['CREDENTIALS_DIRECTORY'] = inTest();
    try {
      await expect(readSecret({ credential: 'role-id' }, 'auth.roleId')).resolves.toBe('s3cret');
      await expect(readSecret({ credential: 'none' }, 'auth.roleId')).rejects.toThrow(
        "auth.roleId: the systemd credential none can't be read (ENOENT).",
      );
    } finally {
      delete process.env['CREDENTIALS_DIRECTORY'];
    }
  });

  it('reads a file, a variable or what a command prints, without trailing line ends', async () => {
    await writeFile(inTest('secret'), 's3cret \r\n\n');
    process.env[VARIABLE] = 's3cret \n';

    const secrets = await Promise.all([
      readSecret({ file: inTest('secret') }, 'auth.token'),
      readSecret({ env: VARIABLE }, 'auth.token'),
      readSecret({ command: ['printf', '%s\\n', 's3cret '] }, 'auth.token'),
    ]);

    expect(secrets).toEqual(['s3cret ', 's3cret ', 's3cret ']);
  });

  it('keeps the lines of a secret that has several', async () => {
    await writeFile(inTest('key.pem'), 'BEGIN\nkey\nEND\n');

    await expect(readSecret({ file: inTest('key.pem') }, 'signing.privateKey')).resolves.toBe('BEGIN\nkey\nEND');
  });

  it.each([
    ['a missing file', () => ({ file: inTest('none') }), /^auth\.token: the file .*none can't be read \(ENOENT\)\.$/],
    ['a directory', () => ({ file: inTest('directory') }), /directory can't be read \(EISDIR\)/],
    ['an empty file', () => ({ file: inTest('empty') }), /empty is empty\.$/],
    ['a variable that is not set', () => ({ env: VARIABLE }), /the environment variable VAULT_DR_TEST_SECRET is empty/],
    [
      'a credential outside of a unit',
      () => ({ credential: 'role-id' }),
      /credential role-id can't be read \(no CREDENTIALS_DIRECTORY/,
    ],
    [
      'a missing command',
      () => ({ command: ['/does/not/exist'] }),
      /the command \/does\/not\/exist can't be read \(ENOENT\)/,
    ],
    ['a command that prints nothing', () => ({ command: ['true'] }), /the command true is empty/],
  ])('names the source when it is %s', async (_what, source, message) => {
    await mkdir(inTest('directory'));
    await writeFile(inTest('empty'), '\n\n');

    await expect(readSecret(source(), 'auth.token')).rejects.toMatchObject({
      code: 'InvalidConfiguration',
      message: expect.stringMatching(message),
    });
  });

  it('shows nothing of what a failing command printed or was given', async () => {
    const command = ['/bin/sh', '-c', 'echo s3cret; echo s3cret >&2; exit 7', 's3cret'];

    const error = (await readSecret({ command }, 'auth.token').catch((reason: unknown) => reason)) as Error;

    expect(error.message).toBe("auth.token: the command /bin/sh can't be read (7).");
    expect(JSON.stringify(error) + error.stack).not.toContain('s3cret');
    expect(error.cause).toBeUndefined();
  });
});
