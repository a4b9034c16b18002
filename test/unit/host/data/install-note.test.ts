import { readdir, writeFile } from 'node:fs/promises';
import { forgetInstall, noteInstall, readInstallNote } from '../../../../src/host/data/install-note';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const NOTE = { run: 'r', generation: 'g', blankClusterId: null };

it('is there until it is forgotten, which may be asked for again', async () => {
  expect(await readInstallNote(inTest())).toBeNull();
  await noteInstall(inTest(), { ...NOTE, blankClusterId: 'first' });
  await noteInstall(inTest(), NOTE);
  expect(await readInstallNote(inTest())).toEqual(NOTE);
  await forgetInstall(inTest());
  await forgetInstall(inTest());
  expect(await readInstallNote(inTest())).toBeNull();
  expect(await readdir(inTest())).toEqual([]);
});

it('of another run stays when a run that changed nothing ends', async () => {
  await noteInstall(inTest(), NOTE);
  await forgetInstall(inTest(), 'another');
  expect(await readInstallNote(inTest())).toEqual(NOTE);
  await forgetInstall(inTest(), NOTE.run);
  expect(await readInstallNote(inTest())).toBeNull();
});

it('is nothing when it is something else, and where there is no directory', async () => {
  await writeFile(inTest('.vault-dr-install'), '{"run":1}');

  expect(await readInstallNote(inTest())).toBeNull();
  expect(await readInstallNote(inTest('gone'))).toBeNull();
});
