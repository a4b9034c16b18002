import type { Import, Manifest } from '../../../src/contract/generation';
import { describePlan } from '../../../src/contract/voice/plan-text';
import { restoreMd } from '../../../src/repository/restore-md/restore-md';
import { evaluateRestore } from '../../../src/plan/evaluate-restore';
import { sampleManifest } from '../../support/generation';
import { factsWith, serving } from '../../support/restore-facts';

const IMPORT: Import = {
  by: 'ana',
  at: '2026-11-23T04:30:00.000Z',
  from: '/mnt/vault-2026-11-23.snap',
  capturedAtBy: 'name',
  serverVersionBy: null,
};
const UNKNOWN: Partial<Manifest> = {
  serverVersion: null,
  leader: null,
  clusterId: null,
  clusterName: null,
  credential: null,
  canary: null,
  imported: IMPORT,
};

describe('a plan of an imported backup', () => {
  it('wants each choice accepted that hangs on what nobody knows', () => {
    const { refusals } = evaluateRestore(factsWith({ manifest: UNKNOWN }));

    expect(refusals).toEqual([
      expect.stringMatching(/the imported snapshot does not say which server version made it.*--accept version/),
      expect.stringMatching(/the backup was imported and does not say which logins it holds.*--accept login/),
    ]);
  });

  it('says of each fact that is not known that it is not', () => {
    const { plan } = evaluateRestore(factsWith({ manifest: UNKNOWN, accept: ['version', 'login'] }));

    expect(plan).toMatchObject({ clusterId: null, clusterName: null, serverVersion: null, canary: null });
    expect(describePlan(plan!)[0]).toContain('version unknown');
    const said = plan?.warnings.join('\n') ?? '';
    expect(said).toContain('ana imported this backup from /mnt/vault-2026-11-23.snap at 2026-11-23T04:30:00.000Z');
    expect(said).toContain('time of capture unknown: the file name says 2026-11-23T04:00:00Z');
    expect(said).toContain('unknown, because it was imported: cluster id and name, the login that made it, a canary');
  });

  it.each([
    ['operator', 'its time (2026-11-23T04:00:00Z) is as stated by ana'],
    ['file', 'the file was last written 2026-11-23T04:00:00Z, so the snapshot is not newer'],
  ] as const)('says when it was captured by %s', (capturedAtBy, expected) => {
    const manifest = { ...UNKNOWN, imported: { ...IMPORT, capturedAtBy } };

    const { plan } = evaluateRestore(factsWith({ manifest, accept: ['version', 'login'] }));

    expect(plan?.warnings.join('\n')).toContain(expected);
  });

  it('goes by the version that the snapshot shows', () => {
    const imported = { ...IMPORT, serverVersionBy: 'snapshot' as const };
    const evaluate = (serverVersion: string) =>
      evaluateRestore(factsWith({ manifest: { ...UNKNOWN, serverVersion, imported }, accept: ['login'] }));

    expect(evaluate('1.21.1').plan?.warnings.join()).toContain(
      'its version (1.21.1) is the newest that ran on this data',
    );
    expect(evaluate('1.99.0').refusals.join()).toContain('--accept version');
  });

  it('is not taken for one of the cluster that runs', () => {
    const manifest = { ...UNKNOWN, serverVersion: '1.21.1' };
    const accept = ['login', 'lose-newer-data'] as const;

    const { refusals } = evaluateRestore(factsWith({ manifest, live: serving, accept: [...accept] }));

    expect(refusals).toEqual([
      expect.stringMatching(/the imported snapshot does not say which cluster it is from.*--accept other-cluster/),
    ]);
  });
});

describe('RESTORE.md of an imported backup', () => {
  it('invents nothing', () => {
    const text = restoreMd(sampleManifest(Buffer.from('x'), UNKNOWN));

    expect(text).toContain(
      'Captured 2026-11-23T04:00:00.000Z (by the name of the file) without vault-dr, imported 2026-11-23T04:30:00.000Z, server version unknown',
    );
    expect(text).toContain('Cluster id: unknown.');
    expect(text).not.toMatch(/null|undefined|cluster id from above/);
  });
});
