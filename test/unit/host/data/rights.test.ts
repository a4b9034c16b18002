import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { layoutOf, placeProblem, setAsideProblem, whyNotOwner } from '../../../../src/host/data/rights';
import { describeIf } from '../../../support/describe-if';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const OWN = process.geteuid?.() ?? 0;
const around = { uid: 0, mode: 0o40755 };

test('nothing stands against a directory that the agent can rename', async () => {
  await mkdir(inTest('data'));

  expect(await setAsideProblem(inTest('data'))).toBeNull();
  expect(await setAsideProblem(inTest('not-there-yet'))).toBeNull();
});

test('the parent directory has to exist', async () => {
  expect(await setAsideProblem(inTest('none', 'data'))).toMatch(/its parent directory .*none does not exist$/);
});

test('a file system that is read-only is named, also to root', async () => {
  expect(await setAsideProblem('/proc/sys/kernel')).toMatch(/^\/proc\/sys (is read-only|is not writable)/);
});

test('root and others need the capabilities that a new directory of another owner takes', () => {
  const problem = (capabilities: bigint | null, uid = 0) =>
    whyNotOwner('/opt/vault/data', { uid: 100 }, around, { uid, capabilities });

  expect(problem(null)).toBeNull();
  expect(problem(0b1001n)).toBeNull();
  expect(problem(0b1000n)).toMatch(/uid 100.*without CAP_CHOWN$/);
  expect(problem(0n)).toMatch(/without CAP_CHOWN and CAP_FOWNER$/);
  expect(problem(null, 200)).toMatch(/runs as uid 200 without CAP_CHOWN and CAP_FOWNER$/);
  expect(problem(0b1000n, 200)).toMatch(/runs as uid 200 without CAP_CHOWN$/);
  expect(problem(0b1001n, 200)).toBeNull();
  expect(whyNotOwner('/opt/vault/data', { uid: 200 }, around, { uid: 200, capabilities: 0n })).toBeNull();
});

test('in a sticky directory nobody renames what is neither his own nor in his own', () => {
  const sticky = { uid: 5, mode: 0o41777 };

  expect(whyNotOwner('/tmp/data', { uid: 100 }, sticky, { uid: 200, capabilities: 0n })).toMatch(/sticky/);
  expect(whyNotOwner('/tmp/data', { uid: 200 }, sticky, { uid: 200, capabilities: 0n })).toBeNull();
});

describeIf(OWN !== 0, 'no mode keeps root off')('an agent that is not root', () => {
  test('sets aside inside what it may not rename', async () => {
    await mkdir(inTest('closed', 'data'), { recursive: true });
    await chmod(inTest('closed'), 0o555);

    expect(await layoutOf(inTest('closed', 'data'))).toBe('inside');
    expect(await setAsideProblem(inTest('closed', 'data'))).toBeNull();
  });

  test('hears of a directory that it may not write', async () => {
    await mkdir(inTest('closed', 'data'), { recursive: true });
    await chmod(inTest('closed', 'data'), 0o555);

    expect(await setAsideProblem(inTest('closed', 'data'))).toMatch(/can't be written by the agent \(EACCES\)/);
  });
});

test('a volume is set aside inside, and one that another one is mounted in not at all', async () => {
  expect(await layoutOf('/dev/shm')).toBe('inside');
  expect(await setAsideProblem('/dev')).toMatch(/^it contains another mount point, \/dev\/\S+,/);
  await mkdir(inTest('data'));
  expect(await layoutOf(inTest('data'))).toBe('beside');
});

test('what the agent keeps must not lie in the data, not even by way of a link', async () => {
  await mkdir(inTest('volume', 'state'), { recursive: true });
  await symlink(inTest('volume'), inTest('data'));

  expect(await placeProblem(inTest('data'), [inTest('volume', 'state')])).toContain('keeps its own files');
  expect(await placeProblem(inTest('data'), [inTest('elsewhere')])).toBeNull();
});

test('a volume that should be mounted, and is not, is named', async () => {
  const problem = async (line: string) => {
    await writeFile(
      inTest('fstab'),
      `# device mount type options\nUUID=1 none swap sw 0 0\n${line}\n/dev/sda1 / ext4 rw 0 1\n`,
    );
    return placeProblem(inTest('vol ume', 'data'), [], inTest('fstab'));
  };
  const around = inTest('vol ume').replace(' ', '\\040');

  expect(await problem(`/dev/sdb ${around}/data ext4 defaults 0 2`)).toContain(
    'nothing is mounted there: mount its volume',
  );
  expect(await problem(`/dev/sdb ${around} ext4 defaults,nofail 0 2`)).toContain(
    `${inTest('vol ume')} is a mount point in`,
  );
  expect(await problem(`/dev/sdb ${around} ext4 noauto 0 2`)).toBeNull();
  expect(await problem(`/dev/sdb ${around}/data2 ext4 defaults 0 2`)).toBeNull();
  expect(await problem('/dev/shm /dev/shm tmpfs defaults 0 0')).toBeNull();

  await mkdir(inTest('vol ume', 'data'), { recursive: true });
  await writeFile(inTest('vol ume', 'data', 'vault.db'), 'data');
  expect(await problem(`/dev/sdb ${around} ext4 defaults,nofail 0 2`)).toBeNull();
});
