import { writeFile } from 'node:fs/promises';
import * as wish from '../../../src/init/wishes';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIUkn8Wn1BfEUlJLq0QtUFYZQIoRzYnvBxxIzTQm8o8z ana@example.com';
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'InvalidInput', message: expect.stringMatching(message) });

it('takes an approver with a key, or with the file of one', async () => {
  await writeFile(inTest('ana.pub'), `${KEY}\n`);

  expect(await wish.approver(`ana=${KEY}`)).toEqual({ name: 'ana', key: KEY });
  expect(await wish.approver(`ana=${inTest('ana.pub')}`)).toEqual({ name: 'ana', key: KEY });
  await writeFile(inTest('id'), '-----BEGIN OPENSSH PRIVATE KEY-----\nsecret\n');
  await expect(wish.approver(`ana=${inTest('id')}`)).rejects.toThrow(refusal(/must be an SSH public key/));
  await expect(wish.approver(`ana=${inTest('missing')}`)).rejects.toThrow(refusal(/can't be read \(ENOENT\)/));
  await expect(wish.approver('ana')).rejects.toThrow(refusal(/must be a name and a public key/));
});

it('shows nothing of a private key that was given by mistake', async () => {
  expect(() => wish.recipient('AGE-SECRET-KEY-1QQQ')).toThrow(refusal(/^A recipient must be an age recipient/));
  await writeFile(inTest('id'), '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n');

  await expect(wish.approver(`ana=${inTest('id')}`)).rejects.toThrow(
    expect.objectContaining({ message: expect.not.stringContaining('b3BlbnNz') }),
  );
});

it('takes directories and buckets', () => {
  expect(wish.repository('/var/backups/../vault', {})).toEqual({ type: 'directory', path: '/var/vault' });
  expect(wish.repository('s3://bucket', { endpoint: 'https://s3:9000' })).toEqual({
    type: 's3',
    bucket: 'bucket',
    endpoint: 'https://s3:9000',
    forcePathStyle: true,
  });
  for (const text of ['backups', 's3://', 's3://UPPER', 'https://bucket', 's3://bucket/a b']) {
    expect(() => wish.repository(text, {})).toThrow(refusal(/must be an absolute path, or s3:/));
  }
  expect(
    Object.keys(wish.namedRepositories(['/a', '/b', 's3://one', 's3://two'].map((text) => wish.repository(text, {})))),
  ).toEqual(['local', 'local-2', 'offsite', 'offsite-2']);
});

it('takes addresses without a path, and http on the loopback alone', () => {
  expect(wish.address('https://vault-1.example.com:8200/')).toBe('https://vault-1.example.com:8200');
  expect(wish.address('http://127.0.0.1:8200')).toBe('http://127.0.0.1:8200');
  expect(() => wish.address('http://vault-1.example.com:8200')).toThrow(refusal(/must begin with https/));
  expect(() => wish.nodeAddress('https://0.0.0.0:8200')).toThrow(refusal(/must name the host/));
  expect(wish.namedAddress('vault-2=https://b:8200')).toEqual({ name: 'vault-2', address: 'https://b:8200' });
});

it('takes windows, locks and intervals, and prints nothing that a screen would act upon', () => {
  expect(wish.windowOf('02:30/60')).toEqual({ start: '02:30', minutes: 60 });
  expect(wish.objectLock('COMPLIANCE:35')).toEqual({ mode: 'COMPLIANCE', days: 35 });
  expect(wish.every('6h')).toBe('6h');
  expect(() => wish.every('\u001b[2Jsoon')).toThrow(refusal(/^'\\u\{1B\}\[2Jsoon' must be a duration/));
});

it('takes an authority in PEM', async () => {
  await writeFile(inTest('ca.pem'), 'nothing of the kind');

  await expect(wish.authority(inTest('ca.pem'))).rejects.toThrow(refusal(/no certificate in PEM/));
});
