import { assertCluster } from '../../../src/sandbox/sandbox';

it.each(['another', undefined])('a backup that serves as cluster %s, and not as its own, is damaged', (found) => {
  expect(() => assertCluster(found, { clusterId: 'its own' })).toThrow('another cluster id than its manifest says');
});

it.each([
  ['its own', 'its own'],
  // Imported: nobody knows.
  ['some', null],
  [undefined, null],
])('one that serves as cluster %s is what its manifest says with %s', (found, clusterId) => {
  expect(() => assertCluster(found, { clusterId })).not.toThrow();
});
