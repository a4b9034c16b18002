import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { authorizedKey, knownHost, sudoersRule } from '../../../src/install/ssh-files';
import { describeIf } from '../../support/describe-if';
import { useDirectory } from '../../support/temporary';

const inTest = useDirectory();
const COMMAND = ['/usr/bin/vault-dr', 'host-step', '--config', '/etc/v@a,b=c:d.yaml', '--cluster', 'prod'];
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIUkn8Wn1BfEUlJLq0QtUFYZQIoRzYnvBxxIzTQm8o8z controller';
const hasVisudo = spawnSync('visudo', ['-V']).status === 0;

it('allows the command with its words alone', () => {
  expect(sudoersRule('vault-dr-ssh', COMMAND)).toBe(
    String.raw`vault-dr-ssh ALL=(root) NOPASSWD: /usr/bin/vault-dr host-step --config /etc/v@a\,b\=c\:d.yaml --cluster prod` +
      '\n',
  );
});

describeIf(hasVisudo, 'there is no sudo')('sudo itself', () => {
  it('takes the rule', () => {
    writeFileSync(inTest('rule'), sudoersRule('vault-dr-ssh', COMMAND), { mode: 0o440 });

    expect(execFileSync('visudo', ['-cf', inTest('rule')], { encoding: 'utf8' })).toContain('parsed OK');
  });
});

it('restricts a key to the command', () => {
  expect(authorizedKey(['sudo', '-n', '--', '/usr/bin/vault-dr', 'host-step'], KEY)).toBe(
    `restrict,command="sudo -n -- /usr/bin/vault-dr host-step" ${KEY}`,
  );
  expect(authorizedKey(['/x y"z'], KEY)).toBe(String.raw`restrict,command="'/x y\"z'" ${KEY}`);
});

it('names a host with a port of its own as ssh does', () => {
  const key = KEY.split(' ').slice(0, 2).join(' ');

  expect(knownHost('vault-1.example.com', 22, KEY)).toBe(`vault-1.example.com ${key}`);
  expect(knownHost('127.0.0.1', 2222, KEY)).toBe(`[127.0.0.1]:2222 ${key}`);
});
