import { mkdir, readdir } from 'node:fs/promises';
import { planBackup } from '../../../../activities/controller/backup';
import { settingsOf } from '../../../../activities/controller/confirm';
import { Controller } from '../../../../activities/controller/context';
import { auditFileOf, TrailKeeper } from '../../../../activities/controller/trail';
import { appendRecord } from '../../../../src/audit/audit-trail';
import { parseConfig } from '../../../../src/config/load';
import { digestOf } from '../../../../src/repository/digest';
import { fromBytes } from '../../../../src/repository/types';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

/** Of the two controllers `east` and `west`, east has the directory `local`. */
describe('a directory that one controller serves', () => {
  const inTest = useDirectory();
  const KEY = 'prod/audit/head.json';
  const HEAD = Buffer.from('{}');

  beforeEach(() => mkdir(inTest('local'), { mode: 0o700 }));

  function controllerCalled(name: string): Controller {
    const text = sampleConfig({
      repositories: { local: inTest('local') },
      publicKeyFile: inTest('signing.pub'),
      privateKeyFile: inTest('signing.key'),
    }).replace('type: directory,', 'type: directory, host: east,');
    const own = `controller: { name: ${name} }\nstateDir: ${inTest(name)}\n`;
    return new Controller({ config: parseConfig(`${text}${own}`, 'vault-dr.yaml') });
  }

  it('is used by that one', async () => {
    const repository = await controllerCalled('east').repository('local');

    await expect(repository.put(KEY, fromBytes(HEAD), digestOf(HEAD))).resolves.toBe('written');
  });

  it('is not even looked for by another one, where something else may have its path', async () => {
    const repository = await controllerCalled('west').repository('local');
    const listed = (async () => {
      for await (const _ of repository.list('prod/')) throw new Error('something was listed');
    })();

    for (const tried of [
      repository.put(KEY, fromBytes(HEAD), digestOf(HEAD)),
      repository.get(KEY),
      listed,
      repository.remove(KEY),
      repository.isLocked(KEY),
      repository.removePartials('prod', new Date()),
    ]) {
      await expect(tried).rejects.toMatchObject({
        code: 'RepositoryUnavailable',
        retryable: false,
        message: 'local is served by the controller east, which does not answer [directory-elsewhere].',
      });
    }
    expect(await readdir(inTest('local'))).toEqual([]);
  });

  it('has its backups staged there, unless that controller is away', async () => {
    const west = controllerCalled('west');

    expect(await planBackup(west, { cluster: 'prod' })).toMatchObject({ controller: 'east', servedBy: 'east' });
    expect(await planBackup(west, { cluster: 'prod', without: 'east' })).toMatchObject({ controller: 'west' });
  });

  it('is known to the plan of a restore', () => {
    expect(settingsOf(controllerCalled('west'), { cluster: 'prod' })).toMatchObject({ servedBy: 'east' });
  });

  it.each([
    ['east', true],
    ['west', false],
  ])('has the trail of %s: %s, which is not published again while nothing is new', async (name, isThere) => {
    const controller = controllerCalled(name);
    const keeper = new TrailKeeper(controller);
    await mkdir(inTest(name), { mode: 0o700 });
    const at = '2026-11-27T04:00:00.000Z';
    const record = { id: 'r/1', at, actor: 'ada', action: 'restore.stop', cluster: 'prod', run: 'r', details: {} };
    await appendRecord(auditFileOf(controller), { ...record, outcome: 'info' });

    await expect(keeper.publish(AbortSignal.timeout(5_000))).resolves.toBe(true);
    await expect(keeper.publish(AbortSignal.timeout(5_000))).resolves.toBe(false);
    expect((await readdir(inTest('local'))).includes('prod')).toBe(isThere);
  });
});
