import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, symlinkSync } from 'node:fs';
import { chown, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../../src/lab/processes';
import type { SampleSecret } from '../../src/lab/secrets';
import { describeAsRoot } from '../support/describe-if';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';

/** A user without any right on a host but that the data directory is his, as it is Vault's own user's. */
const VAULT = 65534;

/**
 * What one file does at one call is a matter of unit tests (hostile-owner.test.ts). Here a real agent, as root, comes upon
 * such files in the middle of a restore.
 */
describeAsRoot('a data directory whose owner puts links and pipes where the agent writes', () => {
  let around = '';
  const lab = useLab(async () => {
    around = await mkdtemp(join(tmpdir(), 'vault-dr-attacks-'));
    return { directory: join(around, 'lab'), nodes: 1 };
  });
  const driver = () => restoreDriver(lab());
  const data = () => lab().nodes[0]?.dataDir ?? '';
  const victim = () => join(around, 'victim');
  let secrets: SampleSecret[];

  beforeAll(async () => {
    secrets = await lab().writeSecrets(5);
    await driver().json(['backup', '--cluster', 'lab']);
    await writeFile(victim(), 'precious', { mode: 0o644 });
    for (const path of [data(), ...(await readdir(data(), { recursive: true })).map((name) => join(data(), name))]) {
      await chown(path, VAULT, VAULT);
    }
    await driver().start('--accept', 'lose-newer-data');
    await driver().waitUntil('an approval is waited for', (now) => now.waitingFor === 'approval');
  }, 120_000);
  afterAll(() => rm(around, { recursive: true, force: true }));

  /** What root alone may write, and who could. */
  const expectUntouched = async () => {
    const { uid, mode } = await stat(victim());
    expect({ content: await readFile(victim(), 'utf8'), uid, mode: mode & 0o777 }).toEqual({
      content: 'precious',
      uid: 0,
      mode: 0o644,
    });
  };
  const parkedBecauseOf = async (name: string, kind: RegExp) => {
    const { parked } = await driver().waitUntil(
      `it is parked because of ${kind}`,
      (now) => now.parked.some(({ problem }) => problem.includes(name) && kind.test(problem)),
      90_000,
    );
    // Nothing was set aside, and what was put there is still there.
    expect(await readdir(join(data(), '..'))).not.toContainEqual(expect.stringMatching(/^data\./));
    expect(await readdir(data())).toContain('vault.db');
    await expectUntouched();
    return parked;
  };
  const moveAway = async (name: string) => {
    await rename(join(data(), name), join(around, `found-${Date.now()}`));
  };

  it.each([
    ['a pipe', (path: string) => void execFileSync('mkfifo', [path]), /pipe|FIFO/i],
    ['a link', (path: string) => symlinkSync(victim(), path), /link/],
    ['a hard link', (path: string) => linkSync(victim(), path), /link|names/],
  ])(
    'parks the run, which leaves alone %s and what it leads to',
    async (_what, put, kind) => {
      const NOTE = '.vault-dr-set-aside';
      put(join(data(), NOTE));
      const { waitingFor } = await driver().progress();
      if (waitingFor === 'approval') await driver().approve();
      else await driver().json(['resume', '--cluster', 'lab', '--as', 'olga']);

      const advice = expect.stringContaining('Move it away by hand, then resume');
      expect(await parkedBecauseOf(NOTE, kind)).toMatchObject([
        { phase: 'setAside', node: 'vault-1', code: 'NodeUnsafe', advice },
      ]);
      await moveAway(NOTE);
    },
    120_000,
  );

  it('is given back to its owner, and the run completes, when they are gone', async () => {
    await driver().json(['resume', '--cluster', 'lab', '--as', 'olga']);
    await driver().unsealAll(lab().unsealShares);
    const report = await driver().result();

    expect(report.status).toBe('completed');
    await waitFor('the new data directory is his', async () => lstatSync(data()).uid === VAULT, { timeoutMs: 1_000 });
    const [aside] = report.setAside;
    expect((await stat(aside?.path ?? '')).uid).toBe(VAULT);
    for (const { path, value } of secrets) expect(await lab().readSecret(path)).toBe(value);
    await expectUntouched();
  }, 180_000);
});
