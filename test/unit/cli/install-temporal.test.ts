import { installTemporalCommand } from '../../../src/cli/verbs/install';
import { print } from '../../../src/cli/output';

jest.mock('../../../src/cli/output', () => ({ print: jest.fn() }));
const printed = () => jest.mocked(print).mock.calls.flat().join('\n');

beforeEach(() => jest.mocked(print).mockClear());

const run = (...args: string[]) => {
  const command = installTemporalCommand().exitOverride();
  command.configureOutput({ writeErr: () => undefined });
  return command.parseAsync(['--name', 'temporal.example.com', '--print', ...args], { from: 'user' });
};

test('--print shows every file and writes none', async () => {
  await run('--retention', '90', '--namespace', 'dr', '--backups', '/mnt/dumps');

  expect(printed()).toContain('# /etc/systemd/system/temporal.service\n[Unit]');
  expect(printed()).toContain('-- /etc/temporal/database.sql\nSELECT ');
  expect(printed()).toContain('create --namespace dr --retention 90d');
  expect(printed()).toContain('serverName: temporal.example.com');
  expect(printed()).toContain('d /mnt/dumps 0700 postgres postgres');
});

test.each([
  ['--name', '10.0.0.5'],
  ['--name', "a'; reboot"],
  ['--listen', 'temporal.example.com'],
  ['--namespace', 'a b'],
  ['--retention', '0'],
  ['--retention', '1.5'],
  ['--programs', '/opt/%h'],
  ['--backups', 'backups'],
  ['--backups', '/'],
  ['--backups', '/var/../etc'],
])('%s %s is refused: it would end up in a unit', async (option, value) => {
  await expect(run(option, value)).rejects.toThrow(/It must/);
  expect(printed()).toBe('');
});
