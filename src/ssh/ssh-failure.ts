import { DrError } from '../contract/failures';
import { cut } from '../contract/retry-notice';
import type { NodeOverSsh } from './command';

const LONGEST = 400;

/** How a connection ended without an answer. */
export interface BrokenOff {
  /** What was to be done. */
  what: string;
  /** Whether the program on the host had begun. */
  begun: boolean;
  /** Exit status of ssh: 255 for its own errors, else that of the command. Null after a signal. */
  code: number | null;
  /** The end of what ssh, the shell and sudo have said. */
  stderr: string;
  /** What the other side said where only vault-dr speaks; null if nothing. */
  noise: string | null;
}

/** What to make of it; pure. @param command as the host was asked for it */
export function sshFailure(node: NodeOverSsh, command: string, ended: BrokenOff): DrError {
  const { name: where, ssh } = node;
  const { what, begun, code, stderr, noise } = ended;
  const said = saidBy(stderr);
  if (noise !== null) {
    return new DrError('InvalidConfiguration', `vault-dr did not start on ${where}; instead: ${cut(noise, LONGEST)}`, {
      notice: 'ssh-program',
      where,
      advice: 'Log in there with that key, and see what is printed.',
    });
  }
  // One that was killed may have begun, too.
  if (begun || code === null) {
    return new DrError('AgentUnreachable', `The SSH connection to ${where} broke off in the middle of ${what}${said}`, {
      notice: 'ssh-cut',
      where,
      advice: 'It is done again. If that repeats, check the network.',
    });
  }
  if (code === 255) return ofSshItself(node, stderr);
  if (/^(sudo: (?!.*command not found)|Sorry, user )/m.test(stderr)) {
    return new DrError('PermissionDenied', `sudo on ${where} does not allow \`${command}\`${said}`, {
      notice: 'ssh-sudo',
      where,
      advice: `Run \`vault-dr install ssh\` on ${where}, which writes the rule.`,
    });
  }
  return new DrError(
    'InvalidConfiguration',
    `vault-dr did not start on ${where}: \`${command}\` ended with ${code}${said}`,
    {
      notice: 'ssh-program',
      where,
      advice: `Install vault-dr on ${where}, or correct ${ssh.program}.`,
    },
  );
}

function ofSshItself({ name: where, ssh }: NodeOverSsh, stderr: string): DrError {
  const { user, knownHostsFile, identityFile } = ssh;
  const said = saidBy(stderr);
  if (/host key verification failed|host identification has changed|host key is known/i.test(stderr)) {
    return new DrError(
      'PermissionDenied',
      `The SSH host key of ${where} is not one of those in ${knownHostsFile}${said}`,
      {
        notice: 'ssh-host-key',
        where,
        advice: `Compare it with that of ${where} before you put it there.`,
      },
    );
  }
  if (/permission denied \(|load key|identity file .* not accessible|too many authentication failures/i.test(stderr)) {
    return new DrError(
      'PermissionDenied',
      `${where} does not let ${user} log in over SSH with ${identityFile}${said}`,
      {
        notice: 'ssh-login',
        where,
        advice: `Run \`vault-dr install ssh\` on ${where}, and check that key.`,
      },
    );
  }
  if (/bad configuration option|terminating, \d+ bad/i.test(stderr)) {
    return new DrError('InvalidConfiguration', `ssh on the controller does not run${said}`, {
      where,
      advice: 'Install OpenSSH 8.5 or newer there; read its ssh_config.',
    });
  }
  return new DrError('AgentUnreachable', `${where} can not be reached over SSH${said}`, {
    notice: 'ssh-unreachable',
    where,
    advice: 'Start that host; the run continues by itself.',
  });
}

function saidBy(stderr: string): string {
  const said = cut(stderr, LONGEST);
  return said === '' ? '' : `: ${said}`;
}
