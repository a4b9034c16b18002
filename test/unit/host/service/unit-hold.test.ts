import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { UnitHold } from '../../../../src/host/service/unit-hold';
import { useDirectory } from '../../../support/temporary';

const RUN = '01a20e44-4ffd-79d7-a62f-52f6f5151414';
const OTHER = '01a20e44-4ffd-79d7-a62f-52f6f5151415';
const inTest = useDirectory();
const FILE = () => inTest('vault.service.d/10-held-by-vault-dr.conf');

test('asserts that it is not there, and says whose it is', async () => {
  const hold = new UnitHold(inTest());

  expect(await hold.place('vault.service', RUN)).toBe(true);
  expect(await hold.place('vault.service', RUN)).toBe(false);

  expect(await readFile(FILE(), 'utf8')).toContain(`\n[Unit]\nAssertPathExists=!${FILE()}\n`);
  expect((await stat(FILE())).mode & 0o777).toBe(0o644);
  expect(await hold.heldBy('vault.service')).toBe(RUN);
});

test('passes to a later run, and an earlier one does not release it', async () => {
  const hold = new UnitHold(inTest());
  await hold.place('vault.service', RUN);

  expect(await hold.place('vault.service', OTHER)).toBe(true);
  expect(await hold.release('vault.service', RUN)).toBe(false);
  expect(await hold.heldBy('vault.service')).toBe(OTHER);
  expect(await hold.release('vault.service', OTHER)).toBe(true);
  expect(await hold.release('vault.service')).toBe(false);
  expect(await readdir(inTest())).toEqual([]);
});

test('leaves alone what others have put beside it; removes what a killed agent left', async () => {
  const hold = new UnitHold(inTest());
  await mkdir(inTest('vault.service.d'));
  await writeFile(inTest('vault.service.d/mine.conf'), '');
  await writeFile(`${FILE()}.4711`, 'half');
  await hold.place('vault.service', RUN);

  await hold.release('vault.service');

  expect(await readdir(inTest('vault.service.d'))).toEqual(['mine.conf']);
});

test('a file that names no run is nobody’s hold, and one that cannot be written is a reason', async () => {
  const hold = new UnitHold(inTest());
  await mkdir(inTest('vault.service.d'));
  await writeFile(FILE(), '# Held by run ../../etc\n');

  expect(await hold.heldBy('vault.service')).toBeNull();
  expect(await hold.problem()).toBeNull();
  expect(await new UnitHold(inTest('none')).problem()).toContain('(ENOENT)');
});
