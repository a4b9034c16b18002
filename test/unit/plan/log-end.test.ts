import { compareLogEnds, logEndOf } from '../../../src/plan/log-end';
import { raftStorage } from '../../support/plan-facts';

const applied = { ...raftStorage('vault-1', ['vault-1'], 700), appliedTerm: 3 };

test.each([
  ['the last entry of the log', { lastLogIndex: 720, lastLogTerm: 4 }, { term: 4, index: 720 }],
  ['what was applied, when there is no log', { lastLogIndex: null, lastLogTerm: null }, { term: 3, index: 700 }],
  ['what was applied, when the log was compacted', { lastLogIndex: 640, lastLogTerm: 3 }, { term: 3, index: 700 }],
  [
    'the term of what was applied, where its own is unknown',
    { lastLogIndex: 720, lastLogTerm: null },
    { term: 3, index: 720 },
  ],
])('a log ends with %s', (_what, log, end) => {
  expect(logEndOf({ ...applied, ...log })).toEqual(end);
});

test('the newer term counts before the higher index', () => {
  const ends = [
    { term: 5, index: 1050 },
    { term: 6, index: 1045 },
    { term: 6, index: 1044 },
  ];

  expect(ends.toSorted(compareLogEnds).map(({ term, index }) => `${term}/${index}`)).toEqual([
    '5/1050',
    '6/1044',
    '6/1045',
  ]);
});
