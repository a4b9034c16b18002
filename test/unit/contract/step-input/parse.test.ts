import { CONTROLLER_INPUTS } from '../../../../src/contract/step-input/controller';
import { NODE_INPUTS } from '../../../../src/contract/step-input/node';
import { parseStepInput } from '../../../../src/contract/step-input/parse';

const CLAIM = { run: 'run-1', cluster: 'prod', startedAt: '2026-11-23T04:00:00.000Z' };
const MARK = {
  cluster: 'prod',
  generation: '20261123T040000Z-000000000042-0a1b2c3d',
  manifestSha256: 'ab'.repeat(32),
  run: 'run-1',
  at: '2026-11-23T04:00:00.000Z',
};

const onNode = (step: string, ...args: unknown[]) => parseStepInput(step, NODE_INPUTS, args);
const onController = (step: string, ...args: unknown[]) => parseStepInput(step, CONTROLLER_INPUTS, args);
const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'InvalidInput', retryable: false, message: expect.stringMatching(message) });

const nested = (depth: number) => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`) as unknown;

describe('the input of a step', () => {
  it('continues as it is when it is what the step takes', () => {
    expect(onNode('stopNode', { claim: CLAIM })).toEqual([{ claim: CLAIM }]);
    expect(onNode('describeNode')).toEqual([]);
    expect(onController('markRestored', MARK)).toEqual([MARK]);
  });

  it.each(['eraseNode', 'constructor', '__proto__', 'toString'])(
    'is refused for a step that there is not: %s',
    (step) => {
      expect(() => onNode(step, { claim: CLAIM })).toThrow(refusal(/there is no such step/));
    },
  );

  it.each([
    ['a second argument', () => onNode('stopNode', { claim: CLAIM }, 1), /2 arguments/],
    ['no argument', () => onNode('stopNode'), /input: /],
    ['null', () => onNode('stopNode', null), /input: /],
    ['an argument where none is taken', () => onNode('describeNode', {}), /takes no input/],
    ['a field more', () => onNode('stopNode', { claim: CLAIM, force: true }), /Unrecognized key: "force"/],
    ['a field more further down', () => onNode('stopNode', { claim: { ...CLAIM, by: 'eve' } }), /claim: .*"by"/],
    ['another kind of mark', () => onController('markRestored', { ...MARK, kind: 'unpinned' }), /"kind"/],
    [
      'a wish to delete that there is not',
      () => onNode('setAsideData', { claim: CLAIM, how: 'shred', otherCluster: false }),
      /how: /,
    ],
  ])('is refused with %s', (_what, ask, message) => {
    expect(ask).toThrow(refusal(message));
  });

  it.each([
    '../../etc',
    '..',
    '.',
    '/etc',
    'a/b',
    'a\0b',
    '',
    'run 1',
    'RUN',
    'a'.repeat(65),
    'r\u200bun',
    '__proto__',
  ])('is refused with %j as the id of a run, or the name of a cluster', (hostile) => {
    const claim = { ...CLAIM, run: hostile };
    expect(() => onNode('endRunOnNode', { claim })).toThrow(refusal(/claim\.run: must be the id of a run/));
    expect(() => onNode('removeSetAsideData', { claim: CLAIM, of: hostile })).toThrow(refusal(/of: must be/));
    expect(() => onController('discardStaging', { cluster: 'prod', run: hostile })).toThrow(refusal(/run: must be/));
    expect(() => onController('discardStaging', { cluster: hostile, run: 'run-1' })).toThrow(refusal(/cluster: must/));
    expect(() => onController('listCatchUps', { cluster: 'prod', from: hostile, to: 'b' })).toThrow(
      refusal(/from: must/),
    );
  });

  it('is refused with a time in years to come, which every later run would have to wait for', () => {
    const claim = { ...CLAIM, startedAt: '9999-01-01T00:00:00.000Z' };
    expect(() => onNode('claimForRun', { claim })).toThrow(refusal(/claim\.startedAt: lies in the future/));
    expect(() => onController('markRestored', { ...MARK, at: '9999-01-01T00:00:00Z' })).toThrow(refusal(/at: lies/));
  });

  it('measures that by the clock of Temporal, whatever that of the host says', () => {
    const claim = { ...CLAIM, startedAt: '2031-01-01T00:00:00.000Z' };
    const approved = null;
    const at = (now: string) => () =>
      parseStepInput('claimForRun', NODE_INPUTS, [{ claim, approved }], Date.parse(now));

    expect(at('2031-01-01T00:00:01Z')()).toEqual([{ claim, approved }]);
    expect(at('2030-12-30T00:00:00Z')).toThrow(refusal(/claim\.startedAt: lies in the future/));
  });

  it.each([65, 5_000, 200_000])('is refused when it is nested %d deep', (depth) => {
    expect(() => onController('recordAudit', { details: nested(depth) })).toThrow(refusal(/nested more than 64 deep/));
  });

  it('is refused when it is larger than a message may be', () => {
    const shares = Array.from({ length: 50 }, () => 'x'.repeat(50_000));
    expect(() => onNode('unsealNode', { claim: CLAIM, shares })).toThrow(refusal(/characters/));
  });

  it('is reported in a few printable words, whatever its fields are called', () => {
    const hostile = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`\u001b[2J${index}`, 1]));
    expect(() => onNode('stopNode', { claim: CLAIM, ...hostile })).toThrow(refusal(/^[\x20-\x7e]{1,2000}$/));
  });
});
