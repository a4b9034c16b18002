import { chosenVersions, describeVersions, versionsOf } from '../../../src/recover/versions';

const CAPTURED = Date.parse('2026-11-23T04:00:00Z');
const NOW = Date.parse('2026-11-28T04:00:00Z');
const created_time = '2026-11-20T00:00:00Z';

const METADATA = {
  current_version: 10,
  versions: {
    // JSON sorts them as text.
    '10': { created_time, deletion_time: '', destroyed: false },
    '7': { created_time, deletion_time: '2026-11-21T00:00:00Z', destroyed: true },
    '8': { created_time, deletion_time: '2026-11-22T00:00:00Z', destroyed: false },
    // It was to be deleted later.
    '9': { created_time, deletion_time: '2026-11-25T00:00:00Z', destroyed: false },
  },
};

it('tells the states of versions as they were when the backup was captured', () => {
  expect(versionsOf(METADATA, CAPTURED, NOW)).toMatchObject([
    { version: 7, state: 'destroyed', isHidden: false },
    { version: 8, state: 'deleted', isHidden: true },
    { version: 9, state: 'readable', deletedAt: '2026-11-25T00:00:00Z', isHidden: true },
    { version: 10, state: 'readable', createdAt: created_time, deletedAt: null, isHidden: false },
  ]);
});

it.each([{}, { versions: null }, { versions: [] }])('knows no versions of %j', (metadata) => {
  expect(versionsOf(metadata, CAPTURED, NOW)).toEqual([]);
});

it.each([
  ['latest' as const, [10]],
  ['all' as const, [7, 8, 9, 10]],
  [8, [8]],
  [6, null],
])('chooses %s', (which, expected) => {
  const chosen = chosenVersions(versionsOf(METADATA, CAPTURED, NOW), which);

  expect(chosen?.map(({ version }) => version) ?? null).toEqual(expected);
});

it('describes runs of versions', () => {
  expect(describeVersions(versionsOf(METADATA, CAPTURED, NOW))).toBe(
    'version 7 destroyed, version 8 deleted, versions 9–10 readable',
  );
});
