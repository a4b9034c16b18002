import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { idOfName, nameOfId } from '../../../../src/host/config/accounts';
import { scriptArguments } from '../../../support/script';
import { useDirectory } from '../../../support/temporary';

const run = promisify(execFile);
const inTest = useDirectory();

describe('with the getent of this host', () => {
  it('knows names and numbers of users and groups', async () => {
    const { username, uid, gid } = userInfo();
    const group = (await run('id', ['-gn'])).stdout.trim();

    expect(await nameOfId('passwd', uid)).toBe(username);
    expect(await idOfName('passwd', username)).toBe(uid);
    expect(await nameOfId('group', gid)).toBe(group);
    expect(await idOfName('group', group)).toBe(gid);
  });

  it('knows nothing of an account that there is not', async () => {
    expect(await nameOfId('passwd', 3_999_999_001)).toBe('');
    expect(await idOfName('group', 'no-such-group')).toBeUndefined();
    expect(await idOfName('passwd', '')).toBeUndefined();
  });

  it('does not take a name of digits for a number', async () => {
    expect(await idOfName('passwd', '0')).toBeUndefined();
    expect(await idOfName('passwd', '+0')).toBeUndefined();
  });
});

/** LDAP or sssd can't be had in a test; to who asks, they are a getent that knows more than the files. */
describe('with a getent that stands for a directory service', () => {
  it('finds users and groups that are in no file of the host', async () => {
    await fakeGetent(`
      case "$1 $2" in
        'passwd 1837401103' | 'passwd vault@corp.example') echo 'vault@corp.example:*:1837401103:1837400513:Vault:/:/bin/sh' ;;
        'group 1837400513' | 'group domain users') echo 'domain users:*:1837400513:' ;;
        *) exit 2 ;;
      esac`);

    expect(
      await found(`[
        await nameOfId('passwd', 1837401103),
        await idOfName('passwd', 'vault@corp.example'),
        await nameOfId('group', 1837400513),
        await idOfName('group', 'domain users'),
        await nameOfId('passwd', 1837401104),
      ]`),
    ).toEqual(['vault@corp.example', 1_837_401_103, 'domain users', 1_837_400_513, '']);
  });

  it('asks once for what many files have', async () => {
    await fakeGetent("echo 'many:x:1837401200:1:::'");

    const names = await found("Promise.all(Array.from({ length: 20 }, () => nameOfId('passwd', 1837401200)))");

    expect(names).toEqual(Array.from({ length: 20 }, () => 'many'));
    expect(await asked()).toEqual(['passwd 1837401200']);
  });

  it('never gives a name as an option', async () => {
    await fakeGetent("echo '--service=files:x:4711:1:::'");

    expect(await found("[(await idOfName('passwd', '--service=files')) ?? 'unknown']")).toEqual(['unknown']);
    expect(await asked()).toEqual([]);
  });

  it('turns to the files of the host when it does not answer, and does not wait twice', async () => {
    await fakeGetent('exec sleep 60');

    const names = await found("[await nameOfId('passwd', 1), await nameOfId('passwd', 1)]");

    expect(names).toEqual([await nameInFile(1), await nameInFile(1)]);
    expect(await asked()).toEqual(['passwd 1']);
  });

  it.each([
    ['broken', 'exit 127'],
    ['missing', null],
  ])('turns to the files of the host when it is %s', async (_how, script) => {
    if (script !== null) await fakeGetent(script);
    // Nothing else is in this directory.
    const path = script === null ? inTest() : undefined;

    expect(await found("[await nameOfId('passwd', 1)]", path)).toEqual([await nameInFile(1)]);
  });
});

async function fakeGetent(script: string): Promise<void> {
  await mkdir(inTest('bin'));
  await writeFile(inTest('asked'), '');
  await writeFile(inTest('bin', 'getent'), `#!/bin/sh\necho "$*" >> ${inTest('asked')}\n${script}\n`);
  await chmod(inTest('bin', 'getent'), 0o755);
}

/** In a process of its own, which takes its programs from there. */
async function found(
  expression: string,
  path = `${inTest('bin')}:${process.env['PATH'] ?? ''}`,
): Promise<(string | number)[]> {
  const code = `
    const { idOfName, nameOfId } = load('host/config/accounts');
    console.log(JSON.stringify(await ${expression}));`;
  const { stdout } = await run(process.execPath, scriptArguments(code), { env: { ...process.env, PATH: path } });
  return JSON.parse(stdout) as (string | number)[];
}

async function asked(): Promise<string[]> {
  return (await readFile(inTest('asked'), 'utf8')).split('\n').filter((line) => line !== '');
}

async function nameInFile(id: number): Promise<string> {
  const name = new RegExp(`^([^:]+):[^:]*:${id}:`, 'm').exec(await readFile('/etc/passwd', 'utf8'))?.[1];
  if (name === undefined) throw new Error(`/etc/passwd of this host has no user ${id}.`);
  return name;
}
