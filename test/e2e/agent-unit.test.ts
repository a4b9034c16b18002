import { PACKAGED, unitText } from '../../src/install/units';
import { polkitRule, RULE_FILE } from '../../src/install/polkit-rule';
import { whyNoContainers } from '../support/container';
import { describeIf } from '../support/describe-if';
import { SystemdHost } from '../support/systemd-host';

const lacks = whyNoContainers();
const CAPABILITIES = 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER';

/** Whether the unit leaves an agent what it needs, and nothing else, can only be seen where systemd applies it. */
describeIf(lacks === null, lacks ?? '')('the unit of an agent', () => {
  let host: SystemdHost;

  beforeAll(async () => {
    host = await SystemdHost.boot();
    await host.must('useradd', '--system', 'vault');
    await host.must('useradd', '--system', 'vault-dr');
    await host.write('/etc/vault.d/vault.hcl', 'storage "raft" {}\n', 0o600);
    await host.must('chown', '-R', 'vault', '/etc/vault.d');
    await host.write(
      '/usr/lib/systemd/system/vault.service',
      '[Service]\nUser=vault\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n',
    );
    await host.must('systemctl', 'daemon-reload');
  }, 600_000);

  afterAll(async () => {
    await host?.discard();
  });

  async function work(capabilities: string, user: 'root' | 'vault-dr' = 'root'): Promise<Record<string, string>> {
    await host.must(
      'sh',
      '-c',
      'systemctl stop vault; rm -rf /opt/vault /var/lib/vault-dr /run/vault-dr /run/systemd/system/vault*',
    );
    await host.must(
      'sh',
      '-c',
      'mkdir -p /opt/vault/data; echo raft >/opt/vault/data/vault.db; chmod 0700 /opt/vault/data',
    );
    await host.must('sh', '-c', 'chmod 0600 /opt/vault/data/vault.db; chown -R vault /opt/vault');
    await host.write('/var/lib/vault-dr/claim.json', '{"run":"01a20e44-4ffd-79d7-a62f-52f6f5151414"}', 0o600);
    await host.must('chown', '-R', user, '/var/lib/vault-dr');
    const node = ['/usr/local/bin/node', '-r', '/srv/vault-dr/test/support/typescript-hook.js'];
    const program = [...node, '/srv/vault-dr/test/support/agent-work-process.ts'];
    const text = unitText('agent', { ...PACKAGED.agent, user, program })
      .replace('Restart=always', 'Restart=no')
      .replaceAll(CAPABILITIES, capabilities);
    await host.write('/etc/systemd/system/vault-dr-agent.service', text);
    await host.must('systemctl', 'daemon-reload');
    await host.must('systemctl', 'start', '--wait', 'vault-dr-agent');
    return JSON.parse(await host.must('cat', '/var/lib/vault-dr/results.json')) as Record<string, string>;
  }

  const failed = (results: Record<string, string>) =>
    Object.entries(results).flatMap(([name, result]) => (!name.startsWith('not: ') && result !== 'ok' ? [name] : []));
  const allowed = (results: Record<string, string>) =>
    Object.entries(results).flatMap(([name, result]) => (name.startsWith('not: ') && result === 'ok' ? [name] : []));

  test('leaves it what a recovery needs, and nothing else', async () => {
    const results = await work(CAPABILITIES);

    expect(results).toMatchObject({ 'stop Vault': 'ok', 'set the data aside': 'ok' });
    expect(failed(results)).toEqual([]);
    expect(allowed(results)).toEqual([]);
    expect(await host.show('vault-dr-agent.service', 'Result')).toBe('success');
  });

  test('leaves the same to a user of its own, with the rule for the unit', async () => {
    await host.write(RULE_FILE, polkitRule('vault-dr', 'vault.service'));
    await host.must('systemctl', 'restart', 'polkit');

    const results = await work(CAPABILITIES, 'vault-dr');

    expect(failed(results)).toEqual([]);
    expect(allowed(results)).toEqual([]);
  });

  test.each([
    ['CAP_CHOWN', 'CAP_DAC_OVERRIDE CAP_FOWNER'],
    ['CAP_DAC_OVERRIDE', 'CAP_CHOWN CAP_FOWNER'],
    ['CAP_FOWNER', 'CAP_CHOWN CAP_DAC_OVERRIDE'],
  ])('needs %s', async (_needed, others) => {
    expect(failed(await work(others))).not.toEqual([]);
  });
});
