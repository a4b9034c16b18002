import { writeFile } from 'node:fs/promises';
import { pino } from 'pino';
import { waitFor } from '../../../src/lab/processes';
import { awaitSecrets } from '../../../src/temporal/await-secrets';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const never = new AbortController().signal;

function logged() {
  const lines: string[] = [];
  const write = (line: string) => void lines.push((JSON.parse(line) as { msg: string }).msg);
  return { lines, log: pino({ base: null }, { write }) };
}
const secret = () => [{ what: 'signing.privateKey', source: { file: inTest('key') } }];

it('a secret that comes later is waited for', async () => {
  const { log, lines } = logged();

  const ready = awaitSecrets(secret(), { log, stop: never });
  await waitFor('it is reported', () => Promise.resolve(lines.length > 0), { timeoutMs: 5_000 });
  await writeFile(inTest('key'), 'x');
  await ready;

  expect(lines).toEqual([
    `Secrets are missing: signing.privateKey: the file ${inTest('key')} can't be read (ENOENT). Waiting; starts without them after 120 s.`,
    'the secrets are available; the wait is over',
  ]);
});

it('one that never comes holds nobody up for longer: what is lost for one cluster must not keep the others down', async () => {
  const { log, lines } = logged();

  await awaitSecrets(secret(), { log, stop: never }, 50);

  expect(lines.at(-1)).toMatch(/^Secrets are missing: signing\.privateKey: .* Starting without them: /);
});

it('ends at once when told to stop, and says nothing where nothing is missing', async () => {
  const { log, lines } = logged();

  await expect(awaitSecrets(secret(), { log, stop: AbortSignal.abort() })).rejects.toMatchObject({ code: 'Aborted' });
  await awaitSecrets([], { log, stop: never });

  expect(lines).toEqual([]);
});
