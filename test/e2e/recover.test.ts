import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { AuditRecord } from '../../src/audit/audit-record';
import { verifyTrail } from '../../src/audit/audit-trail';
import { assertSameCluster, openLive } from '../../src/cli/recover-live';
import { loadConfig } from '../../src/config/load';
import { parseWanted } from '../../src/contract/wanted';
import type { Recovered, RecoveredItem, RecoveredSecret } from '../../src/contract/recovered';
import { decryptArmored, generateIdentity, type AgeKeyPair } from '../../src/crypto/age';
import { LiveWriter } from '../../src/recover/write-back';
import { VaultClient } from '../../src/vault/client';
import { checkDocument } from '../support/cli-documents';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import type { RawConfig } from '../support/lab-view';
import { filesSince, formsOf, hits, watchProcesses } from '../support/leaks';
import { isInstalled } from '../support/shell';
import { failureOf, thrownBy } from '../support/thrown';

const SHARES = 3;
const value = () => randomBytes(24).toString('hex');

describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('what is brought back of a backup', () => {
  const lab = useLab({ nodes: 1 });
  const began = Date.now();
  /** Values of everything that is brought back. */
  const known = { first: value(), deleted: value(), third: value(), fourth: value(), legacy: value(), gone: value() };
  const policy = 'path "secret/data/app/*" { capabilities = ["read"] }\n';
  let me: AgeKeyPair;
  let roleId: string;

  const inLab = (...names: string[]) => join(lab().directory, ...names);
  const vault = async (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) => {
    const answer = await lab().vault('vault-1', method, path, body === undefined ? {} : { body });
    if (answer.status >= 300 && answer.status !== 404) throw new Error(`${path}: ${answer.status}`);
    return answer.body as { data: Record<string, unknown> };
  };
  const recover = (args: string[], options: { input?: string; env?: Record<string, string> } = {}) =>
    lab().cli(['recover', '--cluster', 'lab', ...args], { ...original(), ...options });
  const original = () => ({ input: `${lab().unsealShares.slice(0, SHARES).join('\n')}\n` });
  const forMe = () => ['--recipient', me.recipient];
  const asRoot = () => ({ env: { VAULT_TOKEN: lab().rootToken } });
  const opened = async (sealed: string): Promise<Recovered> => {
    const text = await decryptArmored(sealed, [me.identity]);
    checkDocument(['recover', '--json'], text);
    return JSON.parse(text) as Recovered;
  };

  beforeAll(async () => {
    me = await generateIdentity();
    const config = parse(await readFile(lab().configFile, 'utf8')) as RawConfig;
    const [program] = (config.clusters['lab']!.nodes[0]!.service as { command: string[] }).command;
    config.sandbox = { program: program!, writable: [lab().directory] };
    await writeFile(lab().configFile, stringify(config));

    await vault('POST', 'secret/metadata/app/db', { max_versions: 12, custom_metadata: { owner: 'team-a' } });
    for (const name of ['first', 'deleted', 'third', 'fourth'] as const) {
      await vault('POST', 'secret/data/app/db', { data: { password: known[name] } });
    }
    await vault('PUT', 'secret/destroy/app/db', { versions: [1] });
    await vault('POST', 'secret/delete/app/db', { versions: [2] });
    await vault('POST', 'secret/data/app/below/a%20name%3F', { data: { password: known.third, port: 5432 } });
    await vault('POST', 'secret/data/app/gone', { data: { password: known.gone } });
    await vault('DELETE', 'secret/data/app/gone');
    await vault('POST', 'sys/mounts/legacy', { type: 'kv', options: { version: '1' } });
    await vault('POST', 'legacy/app', { password: known.legacy });
    await vault('POST', 'sys/mounts/keys', { type: 'transit' });
    await vault('PUT', 'sys/policies/acl/app', { policy });
    await vault('POST', 'auth/approle/role/app', { token_policies: 'app', token_ttl: '10m', local_secret_ids: true });
    roleId = (await vault('GET', 'auth/approle/role/app/role-id')).data['role_id'] as string;
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);

    // What then goes wrong.
    await vault('DELETE', 'secret/metadata/app/db');
    await vault('POST', 'legacy/app', { password: 'overwritten' });
    await vault('PUT', 'sys/policies/acl/app', { policy: 'path "secret/*" { capabilities = ["deny"] }' });
    await vault('DELETE', 'auth/approle/role/app');
  }, 180_000);

  it.each([
    ['for whom it is encrypted', ['--path', 'secret/app/db'], /It is not said for whom/],
    ['a recipient that is none', ['--path', 'secret/app/db', '--recipient', 'age1nobody'], /is not an age recipient/],
    ['a path that is none', ['--path', 'secret//db', '--recipient', 'me'], /is not a path of Vault/],
    ['what is not in the closed set', ['--path', 'sys/seal', '--recipient', 'me'], /none of the paths below sys/],
    ['a backup of another name', ['--path', 'secret/app/db', '--recipient', 'me', '--backup', 'x'], /no backup 'x'/],
    [
      'a file that is there',
      ['--path', 'secret/app/db', '--recipient', 'me', '--to-file', '/etc/hostname'],
      /there already/,
    ],
    ['no terminal to ask', ['--path', 'secret/app/db', '--write-back'], /no terminal to ask/],
    ['no token', ['--path', 'secret/app/db', '--write-back', '--yes'], /no token to write back with/],
    [
      'no check-and-set',
      ['--path', 'sys/policies/acl/app', '--write-back', '--yes'],
      /Vault has no check-and-set/,
      true,
    ],
    [
      'no engine there',
      ['--path', 'secret/app/db', '--to', 'nowhere/db', '--write-back', '--yes'],
      /no KV engine at nowhere/,
      true,
    ],
  ])(
    'is refused before anybody is asked for a share: %s',
    async (_what, args, message, withToken = false) => {
      const given = args.map((argument) => (argument === 'me' ? me.recipient : argument));
      const { code, stderr } = await recover(given, withToken ? asRoot() : { env: { VAULT_TOKEN: '' } });

      expect(stderr).toMatch(message);
      expect(code).not.toBe(0);
      expect(stderr).not.toContain('Making the sandbox');
    },
    60_000,
  );

  it('is refused before anybody is asked for a share: a token that may not write there', async () => {
    await vault('PUT', 'sys/policies/acl/reader', { policy: 'path "secret/*" { capabilities = ["read", "list"] }' });
    const answer = await lab().vault('vault-1', 'POST', 'auth/token/create', { body: { policies: ['reader'] } });
    const { client_token: token } = (answer.body as { auth: { client_token: string } }).auth;

    const { code, stderr } = await recover(['--path', 'secret/app/db', '--write-back', '--yes'], {
      env: { VAULT_TOKEN: token },
    });

    expect({ code, stderr }).toMatchObject({ code: 1 });
    expect(stderr).toContain('Your token may not write secret/app/db.');
    expect(stderr).not.toContain('Making the sandbox');
    expect(stderr).not.toContain(token);
  }, 60_000);

  it('comes encrypted, with all versions, and nothing of it is anywhere else', async () => {
    const file = inLab('recovered.age');
    const watched = watchProcesses(Object.values(known));
    const paths = [
      'secret/app/db',
      'secret/app/',
      'legacy/app',
      'sys/policies/acl/app',
      'auth/approle/role/app',
      'sys/mounts/secret',
      'sys/auth/approle',
      'secret/app/dbx',
      'nowhere/app',
      'keys/app',
    ].flatMap((path) => ['--path', path]);

    const { code, stdout, stderr } = await recover([
      ...paths,
      ...forMe(),
      '--versions',
      'all',
      '--to-file',
      file,
      '--json',
    ]);
    const seenInProcesses = await watched.end();

    expect({ code, stderr }).toMatchObject({ code: 1 });
    const { items } = await opened(await readFile(file, 'utf8'));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(secretAt(items, 'secret/app/db')).toMatchObject({
      engineVersion: 2,
      metadata: { max_versions: 12, custom_metadata: { owner: 'team-a' } },
      versions: [
        { version: 1, state: 'destroyed', data: null },
        { version: 2, state: 'deleted', data: null },
        { version: 3, state: 'readable', data: { password: known.third } },
        { version: 4, state: 'readable', data: { password: known.fourth } },
      ],
    });
    expect(secretAt(items, 'secret/app/below/a name?').versions).toMatchObject([
      { data: { password: known.third, port: 5432 } },
    ]);
    expect(secretAt(items, 'secret/app/gone').versions).toMatchObject([{ state: 'deleted', data: null }]);
    expect(secretAt(items, 'legacy/app')).toMatchObject({
      engineVersion: 1,
      versions: [{ version: null, data: { password: known.legacy } }],
    });
    expect(items.filter(({ kind }) => kind !== 'secret')).toMatchObject([
      { kind: 'policy', name: 'app', policy },
      { kind: 'role', type: 'approle', roleId, fields: { token_policies: ['app'], local_secret_ids: true } },
      { kind: 'mount', type: 'kv', settings: { options: { version: '2' } }, config: { max_versions: 0 } },
      { kind: 'mount', type: 'approle' },
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      missing: [
        {
          path: 'secret/app/dbx',
          reason: 'not-there',
          problem: expect.stringContaining('There: below/, db, gone.') as string,
        },
        { path: 'nowhere/app', reason: 'no-mount', problem: expect.stringContaining('secret/') as string },
        { path: 'keys/app', reason: 'other-engine', problem: expect.stringContaining('type transit') as string },
      ],
      file,
      sealed: null,
      writeBack: null,
    });

    const written = await filesSince(began, [lab().directory]);
    expect(written).toContain(file);
    const none = Object.fromEntries(Object.keys(formsOf('')).map((form) => [form, []]));
    expect(await hits(written, Object.values(known))).toEqual(none);
    expect(seenInProcesses).toEqual([]);
    for (const secret of Object.values(known)) {
      for (const form of Object.values(formsOf(secret))) expect(stdout + stderr).not.toContain(form.toString());
    }
    // The search finds what is there.
    await writeFile(inLab('planted'), Buffer.from(`x${known.fourth}`).toString('base64') + known.third);
    const planted = await hits(await filesSince(began, [lab().directory]), Object.values(known));
    expect(planted).toMatchObject({ clear: [inLab('planted')], 'base64, offset 1': [inLab('planted')] });
    await expectNothingLeft();
  }, 300_000);

  it('names the versions of a secret that was deleted then, and brings it back if asked to', async () => {
    const nothing = await recover(['--path', 'secret/app/gone', ...forMe(), '--json']);
    const { code, stdout } = await recover(['--path', 'secret/app/gone', '--deleted', ...forMe()]);

    expect(nothing.code).toBe(1);
    expect(nothing.stdout).toContain('NotInBackup');
    expect(nothing.stdout).toContain('secret/app/gone was deleted when the backup was made: version 1 deleted.');
    expect(code).toBe(0);
    expect(secretAt((await opened(stdout)).items, 'secret/app/gone').versions).toMatchObject([
      { version: 1, state: 'deleted', data: { password: known.gone } },
    ]);
    await expectNothingLeft();
  }, 300_000);

  it('is written back after a comparison of names and versions', async () => {
    const paths = ['secret/app/db', 'legacy/app', 'sys/policies/acl/app', 'auth/approle/role/app'].flatMap((path) => [
      '--path',
      path,
    ]);

    const planned = await recover([...paths, '--versions', 'all', '--write-back', '--plan', '--json'], asRoot());
    const untouched = await vault('GET', 'legacy/app');
    const { code, stderr, stdout } = await recover(
      [...paths, '--versions', 'all', '--write-back', '--yes', '--without-check-and-set'],
      asRoot(),
    );

    expect({ code: planned.code, stderr: planned.stderr }).toMatchObject({ code: 0 });
    expect(JSON.parse(planned.stdout)).toMatchObject({
      sealed: null,
      writeBack: {
        written: false,
        changes: [
          { to: 'secret/app/db', versions: [3, 4], liveVersion: null, outcome: 'create', checkAndSet: true },
          { to: 'legacy/app', versions: [], liveVersion: null, outcome: 'replace', checkAndSet: false },
          { to: 'sys/policies/acl/app', outcome: 'replace', checkAndSet: false },
          { to: 'auth/approle/role/app', outcome: 'create', checkAndSet: false },
        ],
      },
    });
    expect(untouched.data).toEqual({ password: 'overwritten' });
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const { data: db } = await vault('GET', 'secret/data/app/db');
    expect(db).toMatchObject({
      data: { password: known.fourth },
      metadata: { version: 2, custom_metadata: { owner: 'team-a' } },
    });
    expect((await vault('GET', 'secret/data/app/db?version=1')).data['data']).toEqual({ password: known.third });
    expect((await vault('GET', 'secret/metadata/app/db')).data).toMatchObject({ max_versions: 12 });
    expect((await vault('GET', 'legacy/app')).data).toEqual({ password: known.legacy });
    expect((await vault('GET', 'sys/policies/acl/app')).data).toMatchObject({ policy });
    expect((await vault('GET', 'auth/approle/role/app/role-id')).data).toMatchObject({ role_id: roleId });
    expect((await vault('GET', 'auth/approle/role/app')).data).toMatchObject({
      token_policies: ['app'],
      local_secret_ids: true,
    });
    for (const text of [planned.stdout, planned.stderr, stdout, stderr]) {
      for (const secret of [...Object.values(known), lab().rootToken]) expect(text).not.toContain(secret);
    }
  }, 300_000);

  it('is not written into another cluster than that of the backup', async () => {
    const config = await loadConfig(lab().configFile);
    const request = { to: null, isPlan: false, withoutCheckAndSet: false, yes: true };
    const before = process.env['VAULT_TOKEN'];
    process.env['VAULT_TOKEN'] = lab().rootToken;
    const live = await openLive({ config, cluster: 'lab' }, [parseWanted('secret/app/db')], request);
    try {
      const own = (await vault('GET', 'sys/seal-status')) as unknown as { cluster_id: string };
      const refused = thrownBy(() => assertSameCluster(live, randomUUID(), 'lab'));

      expect(refused).toMatchObject({ code: 'PlanRefused' });
      expect(refused.message).toBe('The backup is of another cluster than the one that runs as lab.');
      expect(() => assertSameCluster(live, own.cluster_id, 'lab')).not.toThrow();
      // Of an imported backup nobody knows.
      expect(() => assertSameCluster(live, null, 'lab')).not.toThrow();
    } finally {
      process.env['VAULT_TOKEN'] = before;
      await live.close();
    }
  }, 60_000);

  it('leaves in the audit trail who has read what for whom, and no value', async () => {
    const trail = inLab('controller', 'audit.jsonl');
    const text = await readFile(trail, 'utf8');
    const records = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as AuditRecord)
      .filter(({ action }) => action.startsWith('recover.'));

    expect(new Set(records.map(({ action, outcome }) => `${action}: ${outcome}`))).toEqual(
      new Set(['recover.planned: info', 'recover.done: success', 'recover.done: failure', 'recover.written: success']),
    );
    expect(records.every(({ actor, details }) => actor !== '' && Array.isArray(details['paths']))).toBe(true);
    expect(records.find(({ action, outcome }) => action === 'recover.done' && outcome === 'success')).toMatchObject({
      details: { recipients: [me.recipient], versions: 'all', generation: expect.any(String) as string },
    });
    for (const secret of Object.values(known)) expect(text).not.toContain(secret);
    expect((await verifyTrail(trail)).problems).toEqual([]);
  });

  it('is not given away to who has no shares of this cluster', async () => {
    const file = inLab('never.age');
    const wrong = [...lab().unsealShares.slice(0, SHARES - 1), Buffer.alloc(33, 7).toString('base64')];

    const { code, stderr } = await recover(['--path', 'secret/app/db', ...forMe(), '--to-file', file], {
      input: `${wrong.join('\n')}\n`,
    });

    expect(code).toBe(1);
    expect(stderr).toContain('These 3 shares do not open the backup.');
    await expect(stat(file)).rejects.toThrow('ENOENT');
    await expectNothingLeft();
  }, 300_000);

  it('is not read behind a fence that leaks', async () => {
    // Nobody can get a real one to do that: it stands for a host where namespaces are shared.
    await mkdir(inLab('leaky'), { recursive: true });
    const bwrap = inLab('leaky', 'bwrap');
    await writeFile(
      bwrap,
      '#!/bin/bash\nargs=()\nfor arg in "$@"; do [ "$arg" = --unshare-net ] || args+=("$arg"); done\nexec /usr/bin/bwrap "${args[@]}"\n',
    );
    await chmod(bwrap, 0o755);

    const { code, stderr } = await recover(['--path', 'secret/app/db', ...forMe()], {
      env: { PATH: `${inLab('leaky')}:${process.env['PATH']}` },
    });

    expect(code).toBe(1);
    expect(stderr).toContain('The fence of the sandbox is not proved');
    await expectNothingLeft();
  }, 60_000);

  describe('written into a cluster that changes meanwhile', () => {
    const item = (password: string): RecoveredSecret => ({
      kind: 'secret',
      path: 'secret/race',
      mount: 'secret/',
      engineVersion: 2,
      metadata: null,
      versions: [{ version: 9, state: 'readable', createdAt: null, deletedAt: null, data: { password } }],
    });
    let client: VaultClient;

    beforeAll(async () => {
      client = await rootClient();
    });

    afterAll(async () => client?.close());

    it('is refused if that was before the write, and nothing is written', async () => {
      await vault('POST', 'secret/data/race', { data: { password: 'one' } });
      const writer = new LiveWriter(client);
      const steps = await writer.plan(
        [item('old'), { kind: 'policy', path: 'sys/policies/acl/raced', name: 'raced', policy }],
        null,
      );
      await vault('POST', 'secret/data/race', { data: { password: 'two' } });

      const error = await failureOf(writer.write(steps.toReversed(), () => undefined));

      expect(error.message).toContain(
        'secret/race has changed in the cluster since the comparison, so it was not written. Nothing was written [live-changed]',
      );
      expect((await vault('GET', 'secret/data/race')).data['data']).toEqual({ password: 'two' });
      expect((await lab().vault('vault-1', 'GET', 'sys/policies/acl/raced')).status).toBe(404);
    });

    it('is refused by Vault itself if that was in the last instant', async () => {
      const steps = await new LiveWriter(client).plan([item('old')], null);
      // In between the last look and the write.
      const late = Object.create(client) as VaultClient;
      late.read = (path) => client.read(path);
      late.write = async (path, body) => {
        await client.write('secret/data/race', { data: { password: 'three' } });
        return client.write(path, body);
      };

      const error = await failureOf(new LiveWriter(late).write(steps, () => undefined));

      expect(error.message).toContain('[live-changed]');
      expect((await vault('GET', 'secret/data/race')).data['data']).toEqual({ password: 'three' });
    });

    it('leaves alone what is equal', async () => {
      const writer = new LiveWriter(client);
      const steps = await writer.plan([item('three')], null);
      const { current_version: before } = (await vault('GET', 'secret/metadata/race')).data;

      await writer.write(steps, () => undefined);

      expect(steps[0]!.change).toMatchObject({ outcome: 'equal', liveVersion: before });
      expect((await vault('GET', 'secret/metadata/race')).data['current_version']).toBe(before);
    });
  });

  async function expectNothingLeft(): Promise<void> {
    expect(await readdir(inLab('controller', 'drills'))).toEqual([]);
  }

  async function rootClient(): Promise<VaultClient> {
    const { tls, nodes } = (parse(await readFile(lab().configFile, 'utf8')) as RawConfig).clusters['lab']!;
    const caPem = await readFile(tls!.caFile!, 'utf8');
    return new VaultClient({ node: 'vault-1', address: nodes[0]!.address, caPem }, { token: lab().rootToken });
  }
});

function secretAt(items: readonly RecoveredItem[], path: string): RecoveredSecret {
  const found = items.find((item) => item.path === path);
  if (found?.kind === 'secret') return found;
  throw new Error(`${path} was not recovered.`);
}
