import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { sshCommand } from '../../../src/ssh/command';
import { describeIf } from '../../support/describe-if';
import { useDirectory } from '../../support/temporary';
import { sshHost } from '../../support/ssh-host';

const inTest = useDirectory();
const hasSsh = spawnSync('ssh', ['-V']).status === 0;

/** What ssh itself makes of the command, with a configuration of the operator's that wants the opposite of everything. */
function effective(args: readonly string[]): Map<string, string> {
  writeFileSync(
    inTest('ssh_config'),
    [
      'Host *',
      ' ForwardAgent yes',
      ' StrictHostKeyChecking no',
      ' UserKnownHostsFile /dev/null',
      ' LocalForward 8200 127.0.0.1:8200',
      ' PermitLocalCommand yes',
      ' LocalCommand id',
      ' ControlMaster auto',
      ' ControlPath /tmp/%C',
      ' RequestTTY force',
      ' BatchMode no',
      ' IdentityFile /root/.ssh/id_rsa',
      ' ProxyJump bastion.example.com',
    ].join('\n'),
  );
  const text = execFileSync('ssh', ['-G', '-F', inTest('ssh_config'), ...args], { encoding: 'utf8' });
  return new Map(text.split('\n').map((line) => [line.split(' ')[0] ?? '', line.split(' ').slice(1).join(' ')]));
}

describeIf(hasSsh, 'there is no ssh')('what ssh makes of the command', () => {
  it('asks nobody, knows its hosts, and forwards nothing, whatever ssh_config says', async () => {
    const { node } = await sshHost(inTest);
    const set = effective(sshCommand('prod', { ...node, ssh: { ...node.ssh, host: 'vault-1.example.com' } }).args);

    expect(Object.fromEntries(set)).toMatchObject({
      hostname: 'vault-1.example.com',
      user: 'vault-dr-ssh',
      batchmode: 'yes',
      stricthostkeychecking: 'true',
      userknownhostsfile: '/known',
      globalknownhostsfile: '/dev/null',
      clearallforwardings: 'yes',
      forwardagent: 'no',
      permitlocalcommand: 'no',
      controlmaster: 'false',
      requesttty: 'false',
      identitiesonly: 'yes',
      // The way to the host stays the operator's own.
      proxyjump: 'bastion.example.com',
    });
    expect(set.has('localforward')).toBe(false);
    expect(set.get('controlpath') ?? 'none').toBe('none');
  });
});

it('connects to the host of the address, as one command of fixed words', async () => {
  const { node } = await sshHost(inTest);
  const there = { ...node, address: 'https://[2001:db8::1]:8200', ssh: { ...node.ssh, configFile: '/etc/x.yaml' } };
  const { program, args } = sshCommand('prod', there);

  expect(program).toBe('ssh');
  expect(args.slice(-3)).toEqual([
    '--',
    '2001:db8::1',
    'sudo -n -- /usr/bin/vault-dr host-step --config /etc/x.yaml --cluster prod --node vault-1',
  ]);
  expect(sshCommand('prod', { ...there, ssh: { ...there.ssh, sudo: false } }).args.at(-1)).toMatch(
    /^\/usr\/bin\/vault-dr /,
  );
});

it('leaves nothing for a shell to act upon', async () => {
  const { node } = await sshHost(inTest);
  // No configuration has such words: its schema refuses them. A second line of defence, so it is tried by itself.
  const hostile = { ...node, name: "v'; touch /tmp/x #", ssh: { ...node.ssh, sudo: false, program: '/bin/echo' } };
  const line = sshCommand('$(id)', hostile).args.at(-1) ?? '';

  expect(execFileSync('sh', ['-c', line], { encoding: 'utf8' })).toBe(
    `host-step --config ${node.ssh.configFile} --cluster $(id) --node v'; touch /tmp/x #\n`,
  );
});
