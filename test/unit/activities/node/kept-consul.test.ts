import { mkdir, readdir, symlink, utimes, writeFile } from 'node:fs/promises';
import { lookForLeftOvers, removeSetAsideData } from '../../../../activities/node/data';
import type { NodeHost } from '../../../../activities/node/context';
import type { RunClaim } from '../../../../src/contract/recovery';
import { claimNode } from '../../../../src/host/run/claim';
import { restoreEnvironment } from '../../../support/activity-environment';
import { agentHost } from '../../../support/agent-host';
import { useDirectory } from '../../../support/temporary';

const CLAIM: RunClaim = { run: 'run-2', cluster: 'prod', startedAt: '2026-11-23T05:00:00.000Z' };
const LONG_AGO = new Date('2026-01-01T04:00:00Z');

const inTest = useDirectory();
const kept = (...names: string[]) => inTest('state', 'set-aside', ...names);
const present = async () => (await readdir(kept())).toSorted();
let host: NodeHost;

beforeEach(async () => {
  for (const name of ['data', 'state', 'runtime']) await mkdir(inTest(name));
  await claimNode(inTest('state'), 'vault-1', CLAIM);
  host = agentHost(inTest);
  for (const run of ['run-0', 'run-1']) await keep(run);
});

/** As the restore of a cluster that stores in Consul leaves it. */
async function keep(run: string, at = LONG_AGO): Promise<void> {
  await mkdir(kept(run), { recursive: true });
  await writeFile(kept(run, 'consul.snap.age'), 'x'.repeat(1_000));
  await writeFile(kept(run, 'saved.json'), '{}', { mode: 0o600 });
  await utimes(kept(run, 'saved.json'), at, at);
}

const remove = (of = 'run-1') =>
  restoreEnvironment(CLAIM.run, 'prod', { workflowType: 'removeSetAside' }).run(() =>
    removeSetAsideData(host, { claim: CLAIM, of }),
  );

describe('what a run has kept of Consul', () => {
  it('is found with its age, and removed with nothing beside it', async () => {
    const item = { path: kept('run-1'), sizeBytes: expect.any(Number), setAsideAt: LONG_AGO.toISOString() };

    expect(await lookForLeftOvers(host, { of: 'run-1' })).toEqual([item]);
    expect(await remove()).toEqual([item]);
    expect(await present()).toEqual(['run-0']);
    expect(await lookForLeftOvers(host, { of: 'run-1' })).toEqual([]);
    expect(await remove()).toEqual([]);
  });

  it('is removed to its end when an attempt was killed in the middle, and what was half kept with it', async () => {
    await mkdir(kept('run-1.discarded-00000001'));
    await writeFile(kept('run-1.discarded-00000001', 'consul.snap.age'), 'half');
    await mkdir(kept('run-1.partial-00000002'));

    await remove();

    expect(await present()).toEqual(['run-0']);
  });

  it('counts only when it is complete', async () => {
    await mkdir(kept('run-3'));

    expect(await lookForLeftOvers(host, { of: 'run-3' })).toEqual([]);
    expect(await remove('run-3')).toEqual([]);
    expect(await present()).toEqual(['run-0', 'run-1', 'run-3']);
  });

  it('is not found through a link', async () => {
    await symlink(kept('run-1'), kept('run-4'));

    expect(await lookForLeftOvers(host, { of: 'run-4' })).toEqual([]);
    expect(await remove('run-4')).toEqual([]);
    expect(await present()).toEqual(['run-0', 'run-1', 'run-4']);
  });

  it('is not removed by a step that another run has overtaken', async () => {
    await claimNode(inTest('state'), 'vault-1', {
      ...CLAIM,
      run: 'run-5',
      startedAt: '2026-11-23T06:00:00.000Z',
    });

    await expect(remove()).rejects.toMatchObject({ code: 'NodeFenced' });
    expect(await present()).toEqual(['run-0', 'run-1']);
  });
});
