import { checkBucket } from '../../src/repository/check/check-s3';
import type { CheckReport } from '../../src/repository/check/capability';
import { isDrError } from '../../src/contract/failures';
import { digestOf } from '../../src/repository/digest';
import { S3Repository } from '../../src/repository/s3/s3';
import type { S3Settings } from '../../src/repository/s3/s3-client';
import { fromBytes } from '../../src/repository/types';
import type { Fault } from '../support/fault-proxy';
import { contentOf, S3Fixture } from '../support/s3-fixture';

// Kinds of servers that are about, but not to be started here: only their answers are made, to one header or call each.
const fixture = S3Fixture.use({ anybody: true });
jest.setTimeout(60_000);

const KEY = 'prod/20261123T040000Z-000000004711-0a1b2c3d/snapshot.snap.age';
const LEAST_PART = 5 * 1024 ** 2;

type Outcome = 'written' | 'refused' | 'later';
interface Asked {
  /** Headers that begin so, or what the address of a call holds. */
  headers: string[];
  call?: RegExp;
  settings?: Partial<S3Settings>;
  bucket?: 'locked' | 'versioned' | 'plain';
  large?: boolean;
  /** What comes of a write, by answer: ignored, 400, 403, 405, 409, 412, 501, 503. */
  outcomes: string;
}

const ANSWERS: [string, Fault | 'ignored'][] = [
  ['ignored', 'ignored'],
  ['400', { status: 400, code: 'InvalidArgument' }],
  ['403', { status: 403, code: 'AccessDenied' }],
  ['405', { status: 405, code: 'MethodNotAllowed' }],
  ['409', { status: 409, code: 'OperationAborted' }],
  ['412', { status: 412, code: 'PreconditionFailed' }],
  ['501', { status: 501, code: 'NotImplemented' }],
  ['503', { status: 503, code: 'SlowDown' }],
];
const SHORT: Record<string, Outcome> = { w: 'written', r: 'refused', l: 'later' };

const ASKED: Record<string, Asked> = {
  condition: { headers: ['if-none-match'], outcomes: 'w w r w l l w l' },
  'condition, without versions': { headers: ['if-none-match'], bucket: 'plain', outcomes: 'w w r w l l w l' },
  checksum: { headers: ['x-amz-checksum-sha', 'x-amz-sdk-checksum'], outcomes: 'w w r w l l w l' },
  'checksum to be shown': { headers: ['x-amz-checksum-mode'], outcomes: 'w w r w l l w l' },
  encryption: {
    headers: ['x-amz-server-side-encryption'],
    settings: { kmsKeyId: 'backup-key' },
    outcomes: 'r r r r l l r l',
  },
  'storage class': {
    headers: ['x-amz-storage-class'],
    settings: { storageClass: 'STANDARD_IA' },
    outcomes: 'w r r r l l r l',
  },
  tags: { headers: ['x-amz-tagging'], settings: { tags: { team: 'platform' } }, outcomes: 'w r r r l l r l' },
  lock: {
    headers: ['x-amz-object-lock'],
    settings: { objectLock: { mode: 'GOVERNANCE', days: 1 } },
    bucket: 'locked',
    outcomes: 'r r r r l l r l',
  },
  'list of versions': { headers: [], call: /[?&]versions/, outcomes: '- w r w l l w l' },
  'begin of an upload in parts': { headers: [], call: /[?&]uploads=?$/, large: true, outcomes: '- r r r l l r l' },
  'checksum of parts': {
    headers: ['x-amz-checksum-sha', 'x-amz-checksum-algorithm', 'x-amz-sdk-checksum'],
    large: true,
    outcomes: 'w w r w l l w l',
  },
  'size of all parts': { headers: ['x-amz-mp-object-size'], large: true, outcomes: 'w w r w l l w l' },
  'condition at the end of parts': { headers: ['if-none-match'], large: true, outcomes: 'w w r w l l w l' },
};

/** What may be done with a lock, and what is not for a write, has no say in it. */
const NOT_OF_WRITES = /^lifecycle|^lock: |^delete/;

function promisedBy({ capabilities }: CheckReport, large: boolean): Outcome {
  const rows = capabilities.filter(({ capability }) => {
    return !NOT_OF_WRITES.test(capability) && (large || capability !== 'uploads in parts');
  });
  if (rows.some(({ verdict, promise }) => verdict === 'broken' || /\b(is|are) refused\b/.test(promise)))
    return 'refused';
  return rows.some(({ verdict }) => verdict === 'unknown') ? 'later' : 'written';
}

async function outcomeOf(work: Promise<unknown>): Promise<Outcome> {
  try {
    await work;
    return 'written';
  } catch (error) {
    if (!isDrError(error)) throw error;
    return error.retryable ? 'later' : 'refused';
  }
}

describe.each(Object.entries(ASKED))('%s', (_name, asked) => {
  const { headers, call, settings, bucket: kind = 'versioned', large = false, outcomes } = asked;
  const rows = outcomes.split(' ').flatMap((short, at) => {
    const expected = SHORT[short];
    const [answer, fault] = ANSWERS[at]!;
    return expected === undefined ? [] : [{ answer, fault, expected }];
  });

  it.each(rows)('answered with $answer, a backup is $expected, and the check says so', async (row) => {
    const bucket = await fixture.newBucket(kind);
    let met = 0;
    fixture.proxy.decide = (_method, url, sent) => {
      const meant =
        call?.test(url) ?? Object.keys(sent).some((name) => headers.some((begin) => name.startsWith(begin)));
      if (!meant) return undefined;
      met++;
      return row.fault === 'ignored' ? { without: headers } : row.fault;
    };
    const all = fixture.settingsOn(bucket, {
      endpoint: fixture.proxy.endpoint,
      ...(large ? { multipartThreshold: LEAST_PART } : {}),
      timeouts: { connectMs: 1000, answerMs: 5000, idleMs: 5000 },
      ...settings,
    });
    const bytes = large ? Buffer.alloc(LEAST_PART + 7, 'x') : Buffer.from('a backup');
    const repository = new S3Repository('offsite', all);

    const report = await checkBucket('offsite', all, 2);
    const metByCheck = met;
    const written = await outcomeOf(repository.put(KEY, fromBytes(bytes), digestOf(bytes)));

    expect({ check: promisedBy(report, large), write: written }).toEqual({ check: row.expected, write: row.expected });
    expect(metByCheck).toBeGreaterThan(0);
    expect(met).toBeGreaterThan(metByCheck);
    fixture.proxy.decide = () => undefined;
    const kept = await contentOf(new S3Repository('offsite', all), KEY);
    const found = kept === null ? 'nothing' : kept.equals(bytes) ? 'all of it' : 'other bytes';
    // A lock that the server ignored is found when the object is there already.
    expect(row.expected === 'written' ? ['all of it'] : ['all of it', 'nothing']).toContain(found);
  });
});
