import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { agreeOnStateFormat, STATE_FORMAT } from '../../../src/temporal/state-format';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();

it('is noted in a directory, and the same one is taken again', async () => {
  await agreeOnStateFormat(inTest());
  await agreeOnStateFormat(inTest());

  expect(await readFile(inTest('state-format'), 'utf8')).toBe(`${STATE_FORMAT}\n`);
});

it('of a newer version is refused, and stays', async () => {
  await writeFile(inTest('state-format'), `${STATE_FORMAT + 1}\n`);

  await expect(agreeOnStateFormat(inTest())).rejects.toMatchObject({
    code: 'OtherVersionNeeded',
    message: `A newer version of vault-dr has written to ${inTest()} (format ${STATE_FORMAT + 1}; this version reads ${STATE_FORMAT}).`,
    advice: 'Nothing was changed. Install that version, or a later one.',
  });
  expect(await readFile(inTest('state-format'), 'utf8')).toBe(`${STATE_FORMAT + 1}\n`);
});

it('that is not a number does not count', async () => {
  await writeFile(inTest('state-format'), 'two');

  await expect(agreeOnStateFormat(inTest())).resolves.toBeUndefined();
});

it('is the one by which packages refuse to be replaced', async () => {
  const packaged = await readFile(join(PROJECT_ROOT, 'packaging/files/state-format'), 'utf8');

  expect(packaged).toBe(`${STATE_FORMAT}\n`);
});
