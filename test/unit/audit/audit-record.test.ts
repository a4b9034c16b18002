import { type AuditRecord, contentHash, witnessed } from '../../../src/audit/audit-record';
import { thrownBy } from '../../support/thrown';

const SENDER = { id: 'restore-prod', run: 'a1', type: 'restoreCluster' };
const RECORD: AuditRecord = {
  id: 'a1/1',
  at: '2026-11-23T04:00:00.000Z',
  actor: 'ana',
  action: 'restore.approve',
  cluster: 'prod',
  run: 'a1',
  outcome: 'success',
  details: { planHash: 'x', more: { a: 1, b: 2 } },
};

describe('witnessed', () => {
  it('leaves the id of the run that sends it as it is', () => {
    expect(witnessed(RECORD, SENDER, new Date('2026-11-23T04:00:01Z'))).toEqual({
      ...RECORD,
      workflow: SENDER,
      recordedAt: '2026-11-23T04:00:01.000Z',
    });
  });

  it.each(['b2/1', 'a1', 'a', 'a12/1', ''])('lets nobody take the id %j of another run', (id) => {
    expect(witnessed({ ...RECORD, id }, SENDER).id).toBe(`a1/claimed/${id}`);
  });

  it('refuses what no workflow sent', () => {
    expect(thrownBy(() => witnessed(RECORD, undefined))).toMatchObject({ code: 'InvalidInput' });
  });

  it.each<[string, Record<string, unknown>]>([
    ['too large', { text: 'x'.repeat(300_000) }],
    ['too deep', JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`) as Record<string, unknown>],
  ])('refuses what is %s', (_what, details) => {
    expect(thrownBy(() => witnessed({ ...RECORD, details }, SENDER))).toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining('was not written'),
    });
  });
});

describe('contentHash', () => {
  it('is of what a record says, in whatever order', () => {
    const other = { ...RECORD, details: { more: { b: 2, a: 1 }, planHash: 'x' }, recordedAt: 'later' };

    expect(contentHash(other)).toBe(contentHash(RECORD));
    expect(contentHash({ ...RECORD, actor: 'eve' })).not.toBe(contentHash(RECORD));
  });
});
