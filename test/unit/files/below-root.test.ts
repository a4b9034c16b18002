import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { belowRoot } from '../../../src/files/below-root';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const below = (...names: string[]) => belowRoot(inTest('root'), ...names);
const elsewhere = expect.objectContaining({ code: 'InvalidInput', retryable: false });

beforeEach(async () => {
  await mkdir(inTest('root', 'prod'), { recursive: true });
  await mkdir(inTest('outside'));
});

describe('a path below a directory', () => {
  it.each([[['prod']], [['prod', 'run-1']], [['prod/run-1', 'a.json']], [['new', 'and', 'newer']], [['a..b']]])(
    'is made of %j',
    async (names) => {
      await expect(below(...names)).resolves.toBe(join(inTest('root'), ...names));
    },
  );

  it.each([
    '..',
    '.',
    '',
    '../outside',
    '/etc',
    'prod/../../outside',
    'prod//run',
    'prod/',
    '/',
    'a\0b',
    'a\\b',
    './x',
  ])('is not made of %j', async (hostile) => {
    await expect(below(hostile)).rejects.toEqual(elsewhere);
    await expect(below('prod', hostile)).rejects.toEqual(elsewhere);
  });

  it('does not lead out by a link, wherever the link is, or wherever it would lead once that is made', async () => {
    await symlink(inTest('outside'), inTest('root', 'away'));
    await symlink(inTest('outside', 'later'), inTest('root', 'prod', 'later'));
    await symlink('../../outside', inTest('root', 'prod', 'relative'));
    await writeFile(inTest('outside', 'file'), '');
    await symlink(inTest('outside', 'file'), inTest('root', 'prod', 'file'));

    for (const names of [
      ['away'],
      ['away', 'x'],
      ['prod', 'later'],
      ['prod', 'later', 'x'],
      ['prod', 'relative'],
      ['prod', 'file'],
    ]) {
      await expect(below(...names)).rejects.toEqual(elsewhere);
    }
  });

  it('is found while somebody else makes the directories on the way', async () => {
    for (let round = 0; round < 200; round++) {
      const names = [`round-${round}`, 'and', 'file'];
      const [path] = await Promise.all([
        belowRoot(inTest(), ...names),
        mkdir(inTest(`round-${round}`, 'and'), { recursive: true }),
        mkdir(inTest(`round-${round}`), { recursive: true }),
      ]);
      expect(path).toBe(inTest(...names));
    }
  });

  it('is not mistaken for one of a directory whose name begins alike', async () => {
    await mkdir(inTest('root-2'));
    await symlink(inTest('root-2'), inTest('root', 'twin'));

    await expect(below('twin')).rejects.toEqual(elsewhere);
  });

  it('may lie in a directory that is a link itself, or is not there yet; links within stay within', async () => {
    await symlink(inTest('root'), inTest('link'));
    await symlink(inTest('root', 'prod'), inTest('root', 'alias'));

    await expect(belowRoot(inTest('link'), 'prod', 'x')).resolves.toBe(join(inTest('link'), 'prod', 'x'));
    await expect(below('alias', 'x')).resolves.toBe(inTest('root', 'alias', 'x'));
    await rm(inTest('root'), { recursive: true });
    await expect(below('prod', 'x')).resolves.toBe(inTest('root', 'prod', 'x'));
  });
});
