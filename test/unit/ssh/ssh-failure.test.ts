import { sshFailure } from '../../../src/ssh/ssh-failure';
import { sshHost } from '../../support/ssh-host';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const COMMAND = 'sudo -n -- /usr/bin/vault-dr host-step';

/** What the programs of Debian 12 really print. */
const CASES = [
  [
    'an unknown key',
    255,
    'No ED25519 host key is known for [127.0.0.1]:2222 and you have requested strict checking.\r\nHost key verification failed.',
    'ssh-host-key',
    false,
  ],
  [
    'another key',
    255,
    '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r\nHost key verification failed.',
    'ssh-host-key',
    false,
  ],
  ['no login', 255, 'vault-dr-ssh@127.0.0.1: Permission denied (publickey).', 'ssh-login', false],
  [
    'no key of its own',
    255,
    'Load key "/etc/vault-dr/ssh/id_ed25519": Permission denied\r\nvault-dr-ssh@h: Permission denied (publickey).',
    'ssh-login',
    false,
  ],
  ['an end by a signal', null, '', 'ssh-cut', true],
  ['nobody there', 255, 'ssh: connect to host 127.0.0.1 port 1: Connection refused', 'ssh-unreachable', true],
  ['an option of later versions', 255, '/etc/ssh/ssh_config: terminating, 1 bad configuration options', null, false],
  ['no rule', 1, 'sudo: a password is required', 'ssh-sudo', false],
  [
    'another rule',
    1,
    "Sorry, user vault-dr-ssh is not allowed to execute '/usr/bin/vault-dr' as root on vault-1.",
    'ssh-sudo',
    false,
  ],
  ['no program', 1, 'sudo: /usr/bin/vault-dr: command not found', 'ssh-program', false],
  ['no sudo', 127, 'sh: 1: sudo: not found', 'ssh-program', false],
] as const;

it.each(CASES)('knows %s by what is printed', async (_what, code, stderr, notice, retryable) => {
  const { node } = await sshHost(inTest);
  const error = sshFailure(node, COMMAND, { what: 'describeNode', begun: false, code, stderr, noise: null });

  expect(/ \[([a-z-]+)\]\.?$/.exec(error.message)?.[1] ?? null).toBe(notice);
  expect(error).toMatchObject({ where: 'vault-1', retryable });
  expect(error.advice).toEqual(expect.any(String));
});

it('says that the connection broke off, once the step had begun', async () => {
  const { node } = await sshHost(inTest);
  const error = sshFailure(node, COMMAND, {
    what: 'stopNode',
    begun: true,
    code: 255,
    stderr: 'Broken pipe',
    noise: null,
  });

  expect(error).toMatchObject({ code: 'AgentUnreachable', retryable: true });
  expect(error.message).toBe(
    'The SSH connection to vault-1 broke off in the middle of stopNode: Broken pipe [ssh-cut]',
  );
});

it('shows what else is printed there, on one line that can be printed', async () => {
  const { node } = await sshHost(inTest);
  const noise = `Welcome\u001b]0;x\u0007 ${'!'.repeat(5_000)}`;
  const error = sshFailure(node, COMMAND, { what: 'stopNode', begun: false, code: 0, stderr: '', noise });

  expect(error.message).toMatch(
    /^vault-dr did not start on vault-1; instead: Welcome\\u\{1B\}\]0;x\\u\{7\} !+… \[ssh-program\]$/,
  );
  expect(error.message.length).toBeLessThan(600);
});
