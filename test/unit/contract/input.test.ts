import type { z } from 'zod';
import {
  approveInput,
  clusterInput,
  operatorInput,
  parseInput,
  restoreInput,
  skipNodeInput,
  submitShareInput,
} from '../../../src/contract/input';
import { thrownBy } from '../../support/thrown';

const EXAMPLE = '{"cluster":"prod"}';

function refusal(schema: z.ZodType, raw: unknown): string {
  const error = thrownBy(() => parseInput(schema, raw, EXAMPLE));
  expect(error).toMatchObject({ name: 'DrError', code: 'InvalidInput', retryable: false });
  expect(error).toMatchObject({ advice: `Such as: ${EXAMPLE}` });
  const [head, tail] = ['The input is not usable: ', '.'];
  expect(error.message.startsWith(head) && error.message.endsWith(tail)).toBe(true);
  return error.message.slice(head.length, -tail.length);
}

const NAME = 'must be lower-case letters, digits and hyphens';

describe('input that is not usable', () => {
  it.each<[string, z.ZodType, unknown, string]>([
    ['nothing', clusterInput, undefined, 'no input was given'],
    ['null', clusterInput, null, 'no input was given'],
    ['JSON in quotes', clusterInput, EXAMPLE, 'input: Invalid input: expected object, received string'],
    ['a number', clusterInput, 7, 'input: Invalid input: expected object, received number'],
    ['a list', clusterInput, [{ cluster: 'prod' }], 'input: Invalid input: expected object, received array'],
    ['an empty object', clusterInput, {}, 'cluster: must be a name in quotes'],
    ['a name of another type', clusterInput, { cluster: 7 }, 'cluster: must be a name in quotes'],
    ['an empty name', clusterInput, { cluster: '' }, `cluster: ${NAME}`],
    ['a name with capitals', clusterInput, { cluster: 'Prod' }, `cluster: ${NAME}`],
    ['a name that leads elsewhere', clusterInput, { cluster: '../prod' }, `cluster: ${NAME}`],
    ['a name that is too long', clusterInput, { cluster: 'a'.repeat(64) }, `cluster: ${NAME}`],
    [
      'misspelt keys',
      clusterInput,
      { cluster: 'prod', asof: 1, force: 1 },
      'input: Unrecognized keys: "asof", "force"',
    ],
    [
      'a plan hash that is too short',
      approveInput,
      { approver: 'ann', planHash: '3f9c' },
      'planHash: must be the plan hash that the run shows',
    ],
    ['nobody', operatorInput, { operator: ' \t ' }, 'operator: must say who you are'],
    [
      'somebody with too long a name',
      operatorInput,
      { operator: 'x'.repeat(65) },
      'operator: must be at most 64 characters',
    ],
    [
      'a plan hash that is none',
      approveInput,
      { approver: 'ann', planHash: '3F9C1E07ab52\n' },
      'planHash: must be the plan hash that the run shows',
    ],
    [
      'a share that is too long',
      submitShareInput,
      { holder: 'ann', share: 'a'.repeat(64 * 1024 + 1) },
      'share: must be an armored age file of at most 64 KiB',
    ],
    [
      'nested without end',
      operatorInput,
      { operator: JSON.parse('['.repeat(5_000) + ']'.repeat(5_000)) as unknown },
      'it is too large: it is nested more than 64 deep',
    ],
    [
      'a share of another type',
      submitShareInput,
      { holder: 'ann', share: { a: 1 } },
      'share: must be an armored age file',
    ],
    [
      'an issuer with what nobody sees',
      operatorInput,
      { operator: 'ann', identity: { issuer: 'https://id.example.com\u202e', subject: '4711' } },
      'identity.issuer: must be text of one line, without characters that nobody sees',
    ],
    [
      'an identity with more in it',
      operatorInput,
      { operator: 'ann', identity: { issuer: 'a', subject: 'b', roles: ['operator'] } },
      'identity: Unrecognized key: "roles"',
    ],
    ['a missing node', skipNodeInput, { operator: 'ann' }, 'node: must be a name in quotes'],
    [
      'a generation of another type',
      restoreInput,
      { cluster: 'prod', generation: 1 },
      'generation: is not a generation id: see `vault-dr generations list`',
    ],
  ])('%s: says what is wanted', (_what, schema, raw, problem) => {
    expect(refusal(schema, raw)).toBe(problem);
  });

  it('has every problem listed', () => {
    const raw = { cluster: 'A', generation: 'newest', asOf: 'yesterday', requestedBy: '' };

    expect(refusal(restoreInput, raw).split('; ')).toEqual([
      `cluster: ${NAME}`,
      'generation: is not a generation id: see `vault-dr generations list`',
      'asOf: must be a time such as 2026-11-23T04:00:00Z',
      'requestedBy: must say who you are',
    ]);
  });

  it('is wrong in more ways than anybody reads', () => {
    const raw = { cluster: 'prod', accept: Array.from({ length: 5_000 }, () => 'everything') };

    expect(refusal(restoreInput, raw).split('; ')).toHaveLength(21);
    expect(refusal(restoreInput, raw)).toContain('and 4980 more');
  });

  it('is not shown: a share in the wrong place stays out of the message', () => {
    const share = 'q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJCr';

    expect(refusal(submitShareInput, { holder: 'ann', key: share })).not.toContain(share);
    expect(refusal(submitShareInput, share)).not.toContain(share);
  });
});

describe('input that is usable', () => {
  it('needs no more than the cluster', () => {
    expect(parseInput(restoreInput, { cluster: 'prod' }, EXAMPLE)).toEqual({
      cluster: 'prod',
      generation: 'latest',
      requestedBy: 'unknown',
      planOnly: false,
      inPlace: false,
      drill: false,
      accept: [],
    });
  });

  it('takes a generation, a time with its zone and a name with spaces around', () => {
    const raw = {
      cluster: 'prod-1',
      generation: '20261123T040000Z-000000001234-0a1b2c3d',
      asOf: '2026-11-23T05:00:00+01:00',
      requestedBy: ' Ann ',
    };

    expect(parseInput(restoreInput, raw, EXAMPLE)).toMatchObject({ ...raw, requestedBy: 'Ann' });
  });
});
