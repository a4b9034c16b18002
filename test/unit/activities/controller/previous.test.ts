import { mkdir, rm, writeFile } from 'node:fs/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { Controller } from '../../../../activities/controller/context';
import { findPrevious } from '../../../../activities/controller/previous';
import { parseConfig } from '../../../../src/config/load';
import { publishGeneration } from '../../../../src/repository/generations';
import type { TransferOptions } from '../../../../src/repository/types';
import { signingPair, stageSample } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';
import { WatchedRepository } from '../../../support/watched-repository';

const inTest = useDirectory();
const KEYS = signingPair();
const [OLDER, NEWER] = ['2026-11-23T01:00:00.000Z', '2026-11-23T02:00:00.000Z'] as const;

let controller: Controller;
beforeEach(async () => {
  for (const name of ['local', 'offsite']) await mkdir(inTest(name));
  await writeFile(inTest('signing.pub'), KEYS.publicKeyPem);
  const repositories = { local: inTest('local'), offsite: inTest('offsite') };
  const text = sampleConfig({ repositories, publicKeyFile: inTest('signing.pub') });
  controller = new Controller({ config: parseConfig(text, 'vault-dr.yaml') });
});
afterEach(() => jest.restoreAllMocks());

async function publish(capturedAt: string, ...repositories: string[]): Promise<string> {
  const staged = await stageSample(inTest('staging'), KEYS, Buffer.from(capturedAt), { capturedAt });
  for (const name of repositories) await publishGeneration(await controller.repository(name), staged.directory);
  return staged.manifest.generation;
}

/** As the worker would run it. */
const find = () =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(() =>
    findPrevious(controller, { cluster: 'prod', repositories: ['local', 'offsite'] }),
  ) as ReturnType<typeof findPrevious>;

describe('the generation before a new one', () => {
  it('is the newest that any repository has', async () => {
    await publish(OLDER, 'local');
    const generation = await publish(NEWER, 'offsite');

    expect(await find()).toMatchObject({ previous: { generation, repository: 'offsite' }, warnings: [] });
  });

  it('is none for the first', async () => {
    expect(await find()).toEqual({ previous: null, warnings: [] });
  });

  it('may be that of one repository while another is down', async () => {
    const generation = await publish(OLDER, 'local');
    await rm(inTest('offsite'), { recursive: true });

    expect(await find()).toMatchObject({ previous: { generation }, warnings: [] });
  });

  it('is reported as unknown when no repository shows one and one of them does not answer', async () => {
    await rm(inTest('offsite'), { recursive: true });

    expect(await find()).toEqual({
      previous: null,
      warnings: [expect.stringMatching(/could not be looked up.*offsite: .*ENOENT/)],
    });
  });

  it('is reported as unknown when what there is cannot be trusted', async () => {
    const generation = await publish(OLDER, 'local');
    await writeFile(inTest('local/prod', generation, 'manifest.json'), 'forged');

    expect(await find()).toEqual({
      previous: null,
      warnings: [expect.stringMatching(`could not be looked up.*${generation} in local is not signed`)],
    });
  });

  it('is not waited for for long', async () => {
    await publish(OLDER, 'local');
    const soon = AbortSignal.timeout(200);
    jest.spyOn(AbortSignal, 'timeout').mockReturnValue(soon);
    const frozen = new WatchedRepository(await controller.repository('local'), (_key, { signal }: TransferOptions) => {
      return new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)));
    });
    controller.repository = () => Promise.resolve(frozen);

    expect((await find()).warnings).toEqual([expect.stringContaining('local: did not answer within 30 s.')]);
  });
});
