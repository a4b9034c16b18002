import { readFile } from 'node:fs/promises';
import { assertClaim, claimNode, readClaim } from '../../../../src/host/run/claim';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const older = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const newer = { run: 'run-2', cluster: 'prod', startedAt: '2026-11-23T05:00:00.000Z' };
const claim = (value: typeof older, now?: number) => claimNode(inTest(), 'vault-1', value, now);

test('a node that nobody claimed lets no run touch it', async () => {
  await expect(assertClaim(inTest(), 'vault-1', 'run-1')).rejects.toMatchObject({
    code: 'NodeFenced',
    message: 'vault-1 is claimed by no run, so run run-1 may not change it [host-replaced].',
  });
});

test('a claim may be made again and changes nothing then', async () => {
  await claim(older);
  const first = await readFile(inTest('claim.json'), 'utf8');

  await claim({ ...older, startedAt: '2027-01-01T00:00:00.000Z' });

  expect(await readFile(inTest('claim.json'), 'utf8')).toBe(first);
  await expect(assertClaim(inTest(), 'vault-1', 'run-1')).resolves.toEqual(older);
});

test('a newer run takes the node over, and the older one can never have it back', async () => {
  await claim(older);
  await claim(newer);

  const refusal = { code: 'NodeFenced', where: 'vault-1', message: expect.stringContaining('run run-2, started 2026') };
  await expect(assertClaim(inTest(), 'vault-1', 'run-1')).rejects.toMatchObject(refusal);
  await expect(claim(older)).rejects.toMatchObject(refusal);
  expect(await readClaim(inTest())).toEqual(newer);
});

test('a newer run keeps the node, however far behind the clock of the host is', async () => {
  // By Temporal's clock both have begun; by that of a host that is years behind, neither has.
  const [startOfNext, startOfLast] = ['2999-11-23T05:00:00.000Z', '2999-11-23T04:00:00.000Z'];
  await claim({ ...newer, startedAt: startOfNext }, Date.parse(startOfNext));

  const late = claim({ ...older, startedAt: startOfLast }, Date.parse(startOfNext));

  await expect(late).rejects.toMatchObject({ code: 'NodeFenced' });
});

test('a run of a new Temporal, whose clock is behind, takes the node over from one that is over or lost there', async () => {
  await claim(newer);
  const asked: string[] = [];
  const over = (answer: boolean) => (run: string) => {
    asked.push(run);
    return Promise.resolve(answer);
  };
  const now = Date.parse(newer.startedAt);

  await expect(claimNode(inTest(), 'vault-1', older, now, over(false))).rejects.toMatchObject({ code: 'NodeFenced' });
  await claimNode(inTest(), 'vault-1', older, now, over(true));

  expect(asked).toEqual(['run-2', 'run-2']);
  // Steps of the lost run that are still under way sort before those of this one.
  expect(await readClaim(inTest())).toEqual({ ...older, startedAt: '2026-11-23T05:00:00.001Z' });
});

test('a claim from years to come, as an earlier version could be given, keeps no later run out', async () => {
  await claim({ ...older, startedAt: '9999-01-01T00:00:00.000Z' });
  await claim(newer);

  expect(await readClaim(inTest())).toEqual(newer);
});

test('a run of another cluster is refused, however new it is', async () => {
  await claim(older);

  await expect(claim({ ...newer, cluster: 'staging' })).rejects.toMatchObject({
    code: 'NodeFenced',
    message: "vault-1 was claimed for the cluster 'prod', not for 'staging'.",
    advice: expect.stringContaining(inTest('claim.json')),
  });
  expect(await readClaim(inTest())).toEqual(older);
});
