import { DrError } from '../../../src/contract/failures';
import { lineOf, parseToController, parseToHost, sentFailure, type ToController } from '../../../src/ssh/messages';

const asked = {
  activityId: '5',
  attempt: 1,
  workflowId: 'restore-prod',
  workflowType: 'restoreCluster',
  runId: '01a20e44-4ffd-79d7-a62f-52f6f5151414',
  firstRun: null,
  scheduledAt: 1_795_000_000_000,
  heartbeatTimeoutMs: 5_000,
};
const failure = { code: 'DiskFull', message: 'The disk is full.', retryable: true, advice: null, where: 'vault-1' };

it.each<ToController>([
  { type: 'hello', version: '1.0.0' },
  { type: 'heartbeat', details: { what: 'copying', bytes: 5 } },
  { type: 'ask-attempt', id: 1 },
  { type: 'ask-run', id: 2, run: asked.runId },
  { type: 'result', value: { any: ['thing'] } },
])('reads what a host sends: $type', (message) => {
  expect(parseToController(lineOf(message).trimEnd())).toEqual(message);
});

it('reads a step, with input and without', () => {
  const step = { type: 'step', protocol: 1, step: 'describeNode', asked } as const;

  expect(parseToHost(JSON.stringify(step))).toEqual(step);
  expect(parseToHost(JSON.stringify({ ...step, input: { claim: 1 } }))).toMatchObject({ input: { claim: 1 } });
});

it.each([
  ['no JSON', 'Welcome to vault-1!'],
  ['another type', '{"type":"run","command":"id"}'],
  ['a field more', '{"type":"hello","version":"1","extra":true}'],
  ['a code that is none', JSON.stringify({ type: 'failure', failure: { ...failure, code: 'constructor' } })],
  ['a run that is a path', '{"type":"ask-run","id":1,"run":"../../etc"}'],
  ['too deep', `{"type":"result","value":${'['.repeat(200)}${']'.repeat(200)}}`],
  ['a heartbeat as large as a file', JSON.stringify({ type: 'heartbeat', details: 'x'.repeat(20_000) })],
])('takes nothing else from a host: %s', (_what, line) => {
  expect(parseToController(line)).toBeNull();
});

it.each([
  ['another protocol', JSON.stringify({ type: 'step', protocol: 2, step: 'describeNode', asked })],
  ['a time that is none', '{"type":"attempt","to":1,"startedAt":"yesterday"}'],
  ['the answer of a host', '{"type":"result"}'],
])('takes nothing else from a controller: %s', (_what, line) => {
  expect(parseToHost(line)).toBeNull();
});

it('makes each text of a failure one printable line of a limited length', () => {
  const wild = { ...failure, message: `gone\u001b[2J\n${'x'.repeat(10_000)}`, advice: 'a\nb', where: '\u202evault' };
  const message = parseToController(lineOf({ type: 'failure', failure: wild as never }).trimEnd());

  if (message?.type !== 'failure') throw new Error('It was not read.');
  expect(message.failure.message).toMatch(/^gone\\u\{1B\}\[2J x+…$/);
  expect(message.failure.message.length).toBeLessThanOrEqual(4_000);
  expect(message.failure).toMatchObject({ advice: 'a b', where: String.raw`\u{202E}vault` });
});

it('sends of an error what people and workflows need', () => {
  const error = new DrError('ServiceFailed', 'It failed.', {
    where: 'vault-1',
    retryable: false,
    cause: new Error('x'),
  });

  expect(sentFailure(error)).toEqual({
    code: 'ServiceFailed',
    message: 'It failed.',
    retryable: false,
    advice: null,
    where: 'vault-1',
  });
});
