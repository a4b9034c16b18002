import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { type AgeKeyPair, generateIdentity } from '../../src/crypto/age';
import { describeIf } from '../support/describe-if';
import { useLab } from '../support/lab';
import { makeSandboxHost } from '../support/sandbox-host';
import { openedBy, secretReportOf, secretRuns } from '../support/secret-runs';
import { isInstalled } from '../support/shell';

/** It unseals by itself, and so tells right keys from wrong ones only when they make a root token. */
describeIf(isInstalled('bwrap'), 'there is no bubblewrap')('single secrets of an auto-unseal cluster', () => {
  const lab = useLab({ nodes: 1, seal: 'transit' });
  const runs = secretRuns(lab);
  const password = randomBytes(24).toString('hex');
  let me: AgeKeyPair;

  beforeAll(async () => {
    me = await generateIdentity();
    const { status } = await lab().vault('vault-1', 'POST', 'secret/data/app/db', { body: { data: { password } } });
    if (status !== 200) throw new Error(`The secret can't be written: ${status}`);
    const { code, stderr } = await lab().cli(['backup', '--cluster', 'lab']);
    if (code !== 0) throw new Error(stderr);
    const configFile = lab().nodes[0]!.vaultConfigFile;
    const [, address] =
      /seal "transit" \{\s+address = "https:\/\/([\d.:]+)"/.exec(await readFile(configFile, 'utf8')) ?? [];
    await makeSandboxHost(lab(), { seals: { lab: { configFile, reach: [address!] } } });
  }, 180_000);

  it('come with the recovery keys of the holders, and a wrong one among them is replaced', async () => {
    const running = runs.recover(['--path', 'secret/app/db', '--recipient', me.recipient, '--json']);
    const [first, second, third, fourth] = lab().unsealShares;
    const wrong = Buffer.from(third!, 'base64').map((byte, index) => (index === 0 ? byte ^ 1 : byte));
    await runs.approve();
    await runs.reached('shares');
    for (const [index, share] of [first!, second!, Buffer.from(wrong).toString('base64')].entries()) {
      expect(await runs.submit(`holder-${index + 1}`, share)).toMatchObject({ code: 0 });
    }
    await runs.until('they are found to be wrong', ({ shares }) => Boolean(shares?.problem));
    expect(await runs.submit('holder-4', fourth!)).toMatchObject({ code: 0 });

    const { code, report } = secretReportOf(await running);
    expect(code).toBe(0);
    expect(report).toMatchObject({
      paths: [{ path: 'secret/app/db', items: 1, missing: null }],
      warnings: expect.arrayContaining([
        expect.stringContaining('the share of holder-3 does not belong to this Vault'),
      ]) as unknown,
    });
    expect(await openedBy(me.identity, report.sealed)).toMatchObject([{ versions: [{ data: { password } }] }]);
    const history = await runs.history();
    for (const secret of [password, ...lab().unsealShares]) expect(history).not.toContain(secret);
    await runs.expectNothingLeft();
  }, 400_000);
});
