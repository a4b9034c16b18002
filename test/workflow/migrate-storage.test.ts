import { refusal, useRecoveries } from '../support/workflow-driver';

/** The migration of a storage with activities that answer as the test wants: faults that can't be made at a chosen step. */
describe('a migration of the storage', () => {
  const { fakes, begin, until, waiting, update, approve, submitThree } = useRecoveries();
  const HASH = 'e'.repeat(12);
  const at = (call: string) => {
    const index = fakes().calls.indexOf(call);
    if (index < 0) throw new Error(`${call} was not asked for`);
    return index;
  };

  it('backs up before anything stops, and switches every configuration before the first node starts', async () => {
    const handle = await begin('migrateStorage');
    await approve(handle, HASH);
    await submitThree(handle);
    const report = await handle.result();

    const order = [
      'captureSnapshot',
      'stop vault-1',
      'set aside vault-1',
      'migrate vault-1',
      'switch vault-3',
      'start vault-1',
      'unseal vault-1',
      'verifyFirstNode',
      'join vault-2',
    ].map(at);
    expect(order).toEqual(order.toSorted((left, right) => left - right));
    expect(fakes().calls.filter((call) => call === 'migrate vault-1')).toHaveLength(1);
    expect(fakes().calls).not.toContain('migrate vault-2');
    expect(report).toMatchObject({ status: 'completed', method: 'migrate', rpoSeconds: null });
    expect(report.warnings.join('\n')).toContain('consul kv delete -recurse vault/');
  }, 60_000);

  it('stops nothing while the backup before it fails', async () => {
    fakes().controller.captureSnapshot = () => Promise.reject(refusal('PermissionDenied', 'no snapshot', 'Look.'));
    const handle = await begin('migrateStorage');
    await approve(handle, HASH);

    const parked = await waiting(handle, 'operator');
    await update(handle, 'abort', { operator: 'bob' });
    const report = await handle.result();

    expect(parked.parked[0]).toMatchObject({ phase: 'stage', step: 'backing up the old storage' });
    expect(report.status).toBe('aborted');
    expect(fakes().calls.some((call) => call.startsWith('stop'))).toBe(false);
  }, 60_000);

  it('leads back when the copy fails', async () => {
    fakes().nodes['vault-1']!.migrateData = () => Promise.reject(refusal('NodeUnsafe', 'other peers', 'Look.'));
    const handle = await begin('migrateStorage');
    await approve(handle, HASH);
    await submitThree(handle);
    await waiting(handle, 'operator');

    await update(handle, 'rollBack', { operator: 'bob' });
    const report = await handle.result();

    expect(report).toMatchObject({ status: 'rolled back', method: 'migrate', setAside: [] });
    for (const name of ['vault-1', 'vault-2', 'vault-3']) {
      expect(at(`put back ${name}`)).toBeLessThan(at(`start ${name}`));
    }
    expect(fakes().calls.some((call) => call.startsWith('switch'))).toBe(false);
  }, 60_000);

  it('says of a node that was left out that it still has the old configuration', async () => {
    fakes().nodes['vault-3']!.switchConfig = () => Promise.reject(refusal('NodeUnsafe', 'a link', 'Look.'));
    const handle = await begin('migrateStorage');
    await approve(handle, HASH);
    await submitThree(handle);
    await until(handle, 'vault-3 is parked', (now) => now.parked[0]?.node === 'vault-3');

    await update(handle, 'skipNode', { operator: 'bob', node: 'vault-3' });
    const report = await handle.result();

    expect(report.status).toBe('completed');
    expect(report.warnings.join('\n')).toContain('vault-3 was left out and still has the configuration');
    expect(fakes().calls).not.toContain('join vault-3');
  }, 60_000);
});
