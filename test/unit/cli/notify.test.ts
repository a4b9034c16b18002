import { writeFile } from 'node:fs/promises';
import { notifyCommand } from '../../../src/cli/verbs/prove';
import { signingPair } from '../../support/generation';
import { type Receiver, receiverCertificates, startReceiver } from '../../support/receivers';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

const TOKEN = 'of-the-address-3f1c';
const inTest = useDirectory();
let receiver: Receiver;

beforeEach(async () => {
  const certificates = await receiverCertificates();
  receiver = await startReceiver(certificates);
  await writeFile(inTest('ca.pem'), certificates.caPem);
  await writeFile(inTest('signing.pub'), signingPair().publicKeyPem);
  await writeFile(inTest('url'), `${receiver.url}/hook/${TOKEN}\n`, { mode: 0o600 });
  await writeFile(inTest('secret'), 'whsec_c2VjcmV0\n', { mode: 0o600 });
  const text = sampleConfig({ repositories: { one: inTest('one') }, publicKeyFile: inTest('signing.pub') });
  const common = `url: { file: ${inTest('url')} }, caFile: ${inTest('ca.pem')}`;
  await writeFile(
    inTest('vault-dr.yaml'),
    `${text}notify:
  channels:
    ops: { type: webhook, secret: { file: ${inTest('secret')} }, ${common} }
    wall: { type: slack, ${common} }
`,
  );
});
afterEach(async () => {
  await receiver.stop();
  jest.restoreAllMocks();
});

const test = (...args: string[]) => runVerb(notifyCommand(), ['test', '--config', inTest('vault-dr.yaml'), ...args]);

it('says of each channel what came back, and nothing of its address or of what the server said', async () => {
  receiver.says = '\u001b[2Jhostile';
  const well = await test();
  expect(well).toMatchObject({ exitCode: undefined, notes: '' });
  expect(well.out).toMatch(/ops +webhook +delivered +it answered with 200\n *wall +slack +delivered/);
  expect(receiver.received.map(({ path }) => path)).toEqual([`/hook/${TOKEN}`, `/hook/${TOKEN}`]);

  receiver.answers = [404, 404];
  const broken = await test();
  expect(broken.exitCode).toBe(1);
  expect(broken.out).toMatch(/ops +webhook +failed +it answered with 404: there is nothing at its address/);
  expect(broken.notes).toContain('ops: Check its address');
  const printed = [well, broken].map(({ out, notes }) => out + notes).join('');
  expect(printed).not.toMatch(new RegExp(`${TOKEN}|hostile|${receiver.port}`));
}, 60_000);

it('tries one channel, and refuses one that there is not', async () => {
  const { out, exitCode } = await test('--channel', 'wall', '--json');
  expect(exitCode).toBeUndefined();
  expect(JSON.parse(out)).toMatchObject({ channels: [{ channel: 'wall', delivered: true, advice: null }] });
  await expect(test('--channel', 'other')).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    advice: 'Channels: ops, wall',
  });
  expect(receiver.received).toHaveLength(1);
}, 60_000);
