import { linesSince } from '../../../../src/vault/errors/log-lines';

const LOG = [
  '==> Vault server started!',
  '2026-11-24T10:00:00.000Z [INFO]  core: old',
  '  of the old one',
  '2026-11-24T12:00:05.500+0100 [ERROR] core: new',
  '  of the new one',
  '{"@level":"error","@message":"newer","@timestamp":"2026-11-24T11:00:06.000000Z"}',
].join('\n');

test.each([
  ['before all', '2026-11-24T09:00:00Z', LOG.split('\n').slice(1)],
  ['between, whatever the zone', '2026-11-24T11:00:05Z', LOG.split('\n').slice(3)],
  ['JSON as well', '2026-11-24T11:00:06Z', LOG.split('\n').slice(5)],
  ['after all', '2026-11-24T11:00:07Z', ['']],
])('lines since an instant: %s', (_when, since, lines) => {
  expect(linesSince(LOG, new Date(since)).split('\n')).toEqual(lines);
});
