import { changedParts, kitChangedText, KIT_PARTS } from '../../../src/contract/kit';
import { kitContents } from '../../../src/kit/contents';
import { createAuthority } from '../../../src/lab/certificates';
import { signingPair } from '../../support/generation';
import { kitBackup, kitConfig, sampleKit } from '../../support/kit';

const AGENT_KEY = 'MCowBQYDK2VwAyEALc6k0Oa6Xgcx4yUlHDgNtF1js9NtuXfcxyydP5YUjiI=';
const before = kitContents(sampleKit(3));
const changed = (changes: Parameters<typeof sampleKit>[1]) => changedParts(before, kitContents(sampleKit(3, changes)));
const edited = (from: string | RegExp, to: string) => changed({ yaml: kitConfig(3).replace(from, to) });

test('a newer backup of the same cluster, and a roll-call of the same holders, change nothing', () => {
  const capturedAt = '2026-11-24T04:00:00.000Z';

  expect(changed({ backup: kitBackup(3, { capturedAt, leader: null, clusterName: 'x' }) })).toEqual([]);
  expect(kitContents(sampleKit(3, { backup: kitBackup(3, { capturedAt }) }))).toEqual(before);
});

test('each part is named when it says something else', async () => {
  expect(edited('carol, dave', 'carol, rupert')).toEqual(['holders']);
  expect(edited('approvals: 2', 'approvals: 1')).toEqual(['approvers']);
  expect(changed({ backup: kitBackup(3, { seal: { type: 'shamir', secretShares: 7, secretThreshold: 4 } }) })).toEqual([
    'seal',
  ]);
  expect(edited('example-vault-backups', 'another-bucket')).toEqual(['repositories']);
  expect(edited('https://vault-2.example.com:8200', 'https://vault-2.example.org:8200')).toEqual(['nodes']);
  expect(changed({ signingKey: signingPair().publicKeyPem })).toEqual(['signing']);
  expect(changed({ authorities: (await createAuthority('Other CA')).certificate })).toEqual(['authorities']);
  expect(edited(/age16s\w+/, 'age1yt3tfqlfrwdwx0z0ynwplcr6qxcxfaqycuprpmy89nr83ltx74tqdpszlw')).toEqual(['encryption']);
  expect(edited('backup-identity', 'moved-identity')).toEqual(['identities']);
  expect(changed({ backup: kitBackup(3, { serverVersion: '1.22.0' }) })).toEqual(['servers']);
  expect(edited('name: vault-2\n', `name: vault-2\n        agentPublicKey: ${AGENT_KEY}\n`)).toEqual(['agents']);
  // With another version only the page changes.
  expect(changed({ holderPage: '0'.repeat(64) })).toEqual([]);
  expect(Object.keys(before.parts).toSorted()).toEqual(Object.keys(KIT_PARTS).toSorted());
});

test('what only another version knows has not changed', () => {
  const { holders: _holders, ...parts } = before.parts;

  expect(changedParts({ ...before, parts: { ...parts, later: '0'.repeat(64) } }, before)).toEqual([]);
});

test('people are notified of what has changed, and of the command', () => {
  expect(kitChangedText('prod', ['holders', 'seal'], before)).toBe(
    `The break-glass kit of prod has changed: who holds shares, seal, and numbers of shares. Print it again, and replace every copy: vault-dr kit --cluster prod --directory DIRECTORY. The new ones have the code ${before.sha256.slice(0, 12)}.`,
  );
});
