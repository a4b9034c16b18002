import { execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { parseDocument } from 'yaml';
import { encryptArmored, generateIdentity } from '../../src/crypto/age';
import { parseRecipients } from '../../src/contract/recipients';
import type { RecoveryReport } from '../../src/contract/recovery';
import { findInLab, findInText, type Needle, shareNeedles, withPayloads } from '../../src/lab/demo/share-search';
import { waitFor } from '../../src/lab/processes';
import { memoryDirectoryOf, processesOf } from '../../src/lab/sweep';
import { ageProgram } from '../support/age-program';
import { useLab } from '../support/lab';
import { recordInit, type RecordingProxy } from '../support/recording-proxy';
import { restoreDriver } from '../support/restore-driver';

const run = promisify(execFile);

/** The key holders' part, through every door and with everything that can go wrong at one; on a real cluster. */
describe('the unseal ceremony', () => {
  const lab = useLab();
  let proxy: RecordingProxy;
  let earlierRecipients: string[] = [];
  /** Command lines of every process of the lab, sampled while the ceremony ran. */
  const commandLines = new Set<string>();

  beforeAll(async () => {
    await lab().writeSecrets(5);
    // The agent of the first node talks to its Vault through the proxy, which gets to know the throwaway keys.
    const [first] = lab().nodes;
    if (!first) throw new Error('the lab has no nodes');
    proxy = await recordInit(first);
    const document = parseDocument(await readFile(lab().configFile, 'utf8'));
    document.setIn(['clusters', 'lab', 'nodes', 0, 'localAddress'], proxy.address);
    await writeFile(lab().configFile, document.toString());
    const agent = lab().agents[first.name];
    await agent?.stop();
    await agent?.start();
    await restoreDriver(lab()).json(['backup', '--cluster', 'lab']);
  }, 60_000);
  afterAll(() => proxy.close());

  it('takes a share typed at a hidden prompt, and shows nothing of it', async () => {
    const driver = restoreDriver(lab());
    await lab().destroyDataDirectories();
    // No listener of Vault is where the agent asks: it is the proxy.
    await driver.start('--accept', 'reach');
    await driver.approve();
    await driver.waitUntil('shares are taken', (now) => now.shares !== null);
    const { recipients } = await driver.progress();
    earlierRecipients = recipients.map(({ recipient }) => recipient);

    const screen = await typeAtPrompt(['unseal', '--cluster', 'lab', '--as', 'carol'], lab().unsealShares[0] ?? '');

    expect(screen).toContain('Your unseal share:');
    expect(screen).toContain('Accepted 1 of 3.');
    expect(findInText(screen, shareNeedles(lab().unsealShares))).toEqual([]);
  }, 60_000);

  it('refuses what is wrong with a clear answer, and counts none of it', async () => {
    const driver = restoreDriver(lab());
    const { recipients } = await driver.progress();
    const others = recipients.map(({ recipient }) => recipient);
    const [one = '', two = ''] = lab().unsealShares;
    const stranger = await generateIdentity();

    const answers = {
      'not an envelope': await sendByUpdate('eve', 'open sesame'),
      'in clear': await sendByUpdate('eve', randomBytes(33).toString('base64')),
      'for other recipients': await sendByUpdate('eve', await encryptArmored(two, [stranger.recipient])),
      'wrong length': await sendByUpdate('eve', await encryptArmored(randomBytes(40).toString('base64'), others)),
      'the same in hexadecimal': await sendByUpdate(
        'eve',
        await encryptArmored(Buffer.from(one, 'base64').toString('hex'), others),
      ),
    };
    const typed = await lab().cli(['unseal', '--cluster', 'lab'], { input: 'not a share' });
    const handIn = ['unseal', '--cluster', 'lab', '--as', 'eve', '--envelope', '-'];
    const clear = await lab().cli(handIn, { input: two });
    const twice = await lab().cli(handIn, { input: await encryptArmored(one, others) });
    const printed = await lab().cli(['unseal', '--cluster', 'lab', '--recipients']);
    const { shares, run: runId } = await driver.progress();

    expect(answers['not an envelope']).toContain('not an armored age file');
    expect(answers['in clear']).toContain('It was rejected');
    expect(answers['for other recipients']).toContain('run `vault-dr unseal` again');
    expect(answers['wrong length']).toContain('not an unseal share');
    expect(answers['the same in hexadecimal']).toContain('carol has already submitted this share');
    expect(typed.code).toBe(2);
    expect(typed.stderr).toContain('Nothing was sent');
    expect(clear.code).toBe(2);
    expect(clear.stderr).toContain('Nothing was sent');
    expect(twice.code).toBe(5);
    expect(twice.stdout).toContain('carol has already submitted this share');
    expect(parseRecipients(printed.stdout)).toEqual({ cluster: 'lab', run: runId, purpose: 'restore', recipients });
    expect(printed.stderr).toContain(`ends with: ${runId.slice(-8)}`);
    expect(shares?.accepted.map(({ holder }) => holder)).toEqual(['carol']);
    expect(shares?.refused).toHaveLength(5);
  }, 60_000);

  it('does not encrypt to a recipient that the agent has not signed', async () => {
    const document = parseDocument(await readFile(lab().configFile, 'utf8'));
    const other = document.getIn(['clusters', 'lab', 'nodes', 1, 'agentPublicKey']);
    document.setIn(['clusters', 'lab', 'nodes', 0, 'agentPublicKey'], other);
    const tampered = join(lab().directory, 'tampered.yaml');
    await writeFile(tampered, document.toString());

    const refused = await lab().cli(['unseal', '--cluster', 'lab', '--config', tampered], {
      input: lab().unsealShares[3] ?? '',
    });

    expect(refused.code).toBe(5);
    expect(refused.stderr).toContain('vault-1: the recipient');
    expect(refused.stderr).toContain('Nothing was sent');
  }, 30_000);

  it('takes shares by age and a stock update, by the form of the Web UI, and finds the wrong one among four', async () => {
    const driver = restoreDriver(lab());
    const [, two = '', three = ''] = lab().unsealShares;
    await driver.reached('install');
    await openProxy();
    await driver.waitUntil('the first node is sealed', (now) => now.waitingFor === 'shares', 90_000);
    // Somebody has begun by hand at the node.
    await lab().vault('vault-1', 'POST', 'sys/unseal', { body: { key: lab().unsealShares[4] }, token: '' });

    const byAge = await sendByUpdate('dave', await encryptWithAge(two));
    await sendByWebForm('mallory', await encryptWithAge(randomBytes(33).toString('base64')));
    const asked = await driver.waitUntil('a share is found wrong', (now) => Boolean(now.shares?.problem));
    // The agent of a follower loses its identity, as by a reboot: nobody is asked again.
    const memory = join(memoryDirectoryOf(lab().id), 'vault-2');
    for (const name of await readdir(memory)) await rm(join(memory, name));
    const gpg = await encryptWithGpg(three);
    const byGpg = await lab().cli(['unseal', '--cluster', 'lab', '--as', 'erin', '--pgp'], {
      input: gpg.share,
      env: { GNUPGHOME: gpg.home },
    });
    const report = await driver.result();

    expect(byAge).toContain('Accepted 2 of 3');
    expect(asked.shares?.problem).toContain('carol, dave, mallory');
    expect(byGpg.stdout).toContain('Accepted 4 of 3.');
    expect(report.status).toBe('completed');
    expect(report.warnings).toContain('the share of mallory does not belong to this Vault [share-of-another-vault]');
    expect(report.warnings.join('\n')).toContain('vault-1: 1 share(s) entered by hand were discarded');
    expect(report.nodes.map(({ state }) => state)).toEqual(['voter', 'voter', 'voter']);
    await run('gpgconf', ['--homedir', gpg.home, '--kill', 'all']);
    await rm(gpg.home, { recursive: true, force: true });
  }, 180_000);

  it('refuses a share that comes too late', async () => {
    const late = await lab().cli(['unseal', '--cluster', 'lab', '--as', 'gina'], {
      input: lab().unsealShares[3] ?? '',
    });

    expect(late.code).toBe(5);
    expect(late.stderr).toMatch(/does not accept shares now|no open run/);
  }, 30_000);

  it('notices a node that is unsealed by hand, and refuses envelopes of an earlier run', async () => {
    const driver = restoreDriver(lab());
    await proxy.close();
    await driver.start('--accept', 'lose-newer-data', '--accept', 'reach');
    await driver.approve();
    await driver.reached('install');
    await openProxy();
    await driver.waitUntil('the first node is sealed', (now) => now.phase === 'unseal', 90_000);

    const old = await sendByUpdate('eve', await encryptArmored(lab().unsealShares[0] ?? '', earlierRecipients));
    for (const key of lab().unsealShares.slice(0, 3)) {
      await lab().vault('vault-1', 'POST', 'sys/unseal', { body: { key }, token: '' });
    }
    await driver.reached('join');
    await driver.submitShares(lab().unsealShares);
    const report = (await driver.result()) as RecoveryReport;

    expect(old).toContain('run `vault-dr unseal` again');
    expect(report.status).toBe('completed');
    expect(report.setAside.map(({ path }) => path === null)).toEqual([false, false, false]);
    for (const { path } of report.setAside) expect((await stat(path ?? '')).isDirectory()).toBe(true);
  }, 180_000);

  it('destroys the identities of a run that was terminated', async () => {
    const driver = restoreDriver(lab());
    await driver.start('--accept', 'lose-newer-data', '--accept', 'reach');
    await driver.approve();
    await driver.waitUntil('shares are taken', (now) => now.shares !== null);
    const identities = async () => {
      const entries = await readdir(memoryDirectoryOf(lab().id), { recursive: true });
      return entries.filter((name) => name.endsWith('.identity'));
    };
    expect(await identities()).toHaveLength(3);

    await lab().temporalCli(['workflow', 'terminate', '-w', 'restore-lab']);
    for (const { name } of lab().nodes) {
      await lab().agents[name]?.stop();
      await lab().agents[name]?.start();
    }

    await waitFor('the identities are gone', async () => (await identities()).length === 0, { timeoutMs: 20_000 });
  }, 120_000);

  it('leaves no share, throwaway key or token in any place', async () => {
    const throwaway = proxy.initAnswers
      .map((answer) => JSON.parse(answer) as { keys_base64?: string[]; root_token?: string })
      .filter((answer) => answer.keys_base64 !== undefined);
    const needles: Needle[] = [
      ...shareNeedles([...lab().unsealShares, ...throwaway.flatMap((answer) => answer.keys_base64 ?? [])]),
      ...throwaway.map((answer, index) => ({
        name: `throwaway root token ${index + 1}`,
        bytes: Buffer.from(answer.root_token ?? ''),
      })),
      { name: 'root token', bytes: Buffer.from(lab().rootToken) },
    ];
    const control = { name: 'control', bytes: Buffer.from('BEGIN AGE ENCRYPTED FILE') };
    const histories = await Promise.all(
      (await runIds()).map((id) =>
        lab().temporalCli(['workflow', 'show', '-w', 'restore-lab', '-r', id, '-o', 'json']),
      ),
    );
    const history = histories.map(({ stdout }) => withPayloads(stdout)).join('\n');

    const inFiles = await findInLab(lab().directory, [...needles, control]);
    const inHistory = findInText(history, needles);
    const inCommands = findInText([...commandLines].join('\n'), needles);

    expect(throwaway.length).toBeGreaterThanOrEqual(2);
    expect(findInText(history, [control])).toEqual(['control']);
    expect(inFiles.found.filter(({ needle }) => needle === 'control').length).toBeGreaterThan(0);
    expect(inFiles.found.filter(({ needle }) => needle !== 'control')).toEqual([]);
    expect(inHistory).toEqual([]);
    expect(commandLines.size).toBeGreaterThan(5);
    expect(inCommands).toEqual([]);
    process.stdout.write(
      `searched ${inFiles.files} files, ${histories.length} histories (${history.length} characters) and ` +
        `${commandLines.size} command lines for ${needles.length} forms of secrets: 0 hits\n`,
    );
  }, 60_000);

  /** Not before Vault has been started blank: until then the install proves that nothing listens. */
  async function openProxy(): Promise<void> {
    await waitFor(
      'the blank Vault answers',
      async () => (await lab().vault('vault-1', 'GET', 'sys/seal-status', { token: '' })).status === 200,
      { timeoutMs: 60_000, everyMs: 100 },
    );
    await proxy.open();
  }

  async function runIds(): Promise<string[]> {
    const { stdout } = await lab().temporalCli([
      'workflow',
      'list',
      '--query',
      'WorkflowId="restore-lab"',
      '-o',
      'json',
    ]);
    return (JSON.parse(stdout) as { execution: { runId: string } }[]).map(({ execution }) => execution.runId);
  }

  async function sampleCommandLines(): Promise<void> {
    for (const pid of await processesOf(lab().id)) {
      commandLines.add(await readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => ''));
    }
  }

  /** With the stock CLI. @returns what it prints */
  async function sendByUpdate(holder: string, share: string): Promise<string> {
    const file = join(lab().directory, `update-${randomBytes(4).toString('hex')}.json`);
    await writeFile(file, JSON.stringify({ holder, share }));
    const sending = lab().temporalCli([
      'workflow',
      'update',
      'execute',
      '-w',
      'restore-lab',
      '--name',
      'submitShare',
      '--input-file',
      file,
    ]);
    await sampleCommandLines();
    const { stdout, stderr } = await sending;
    // What the sender wrote down is the sender's.
    await rm(file);
    return stdout + stderr;
  }

  /** What the form of the Web UI sends. */
  async function sendByWebForm(holder: string, share: string): Promise<void> {
    const data = Buffer.from(JSON.stringify({ holder, share })).toString('base64');
    const payload = { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data };
    const url = `${lab().temporal.uiUrl}/api/v1/namespaces/default/workflows/restore-lab/signal/submitShare`;
    const page = await fetch(`${lab().temporal.uiUrl}/api/v1/settings`);
    const token = /_csrf=([^;]+)/.exec(page.headers.get('set-cookie') ?? '')?.[1] ?? '';
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': token, cookie: `_csrf=${token}` },
      body: JSON.stringify({ signalName: 'submitShare', workflowExecution: {}, input: { payloads: [payload] } }),
    });
    if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  }

  async function encryptWithAge(share: string): Promise<string> {
    const { recipients } = await restoreDriver(lab()).progress();
    const args = ['-a', ...recipients.flatMap(({ recipient }) => ['-r', recipient])];
    const running = run(await ageProgram(), args);
    running.child.stdin?.end(share);
    return (await running).stdout;
  }

  /** As `vault operator init -pgp-keys` hands a share to its holder. */
  async function encryptWithGpg(share: string): Promise<{ home: string; share: string }> {
    const home = await mkdtemp(join(tmpdir(), 'gpg-'));
    const env = { ...process.env, GNUPGHOME: home };
    const options = ['--batch', '--pinentry-mode', 'loopback', '--passphrase', ''];
    await run('gpg', [...options, '--quick-generate-key', 'erin@example.com', 'default', 'default', 'never'], { env });
    const running = run('gpg', ['--batch', '--trust-model', 'always', '--encrypt', '-r', 'erin@example.com'], {
      env,
      encoding: 'buffer',
    });
    running.child.stdin?.end(Buffer.from(share, 'base64').toString('hex'));
    return { home, share: (await running).stdout.toString('base64') };
  }

  /** Runs the CLI in a terminal of its own and types at its prompt. @returns the screen */
  async function typeAtPrompt(args: string[], text: string): Promise<string> {
    const command = [process.execPath, join(process.cwd(), 'bin/vault-dr.js'), ...args].join(' ');
    const child = spawn('script', ['-qec', command, '/dev/null'], { env: { ...lab().env } });
    let screen = '';
    child.stdout.on('data', (chunk: Buffer) => (screen += chunk.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    await waitFor('the prompt', async () => screen.includes('Your unseal share:'), { timeoutMs: 20_000, everyMs: 50 });
    await sampleCommandLines();
    child.stdin.write(`${text}\n`);
    await ended;
    return screen;
  }
});
