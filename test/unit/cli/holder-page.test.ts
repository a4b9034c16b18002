import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { holderPageCommand, unsealCommand } from '../../../src/cli/verbs/holders';
import { agentFingerprint, agentPublicKey, generateAgentKey } from '../../../src/crypto/agent-key';
import { runVerb } from '../../support/run-verb';
import { sampleConfig } from '../../support/sample-config';
import { useDirectory } from '../../support/temporary';

// The build makes the real one.
jest.mock('../../../holder-page.js', () => ({ script: 'start();', style: '', licences: '' }), { virtual: true });

describe('vault-dr holder-page', () => {
  const inTest = useDirectory();
  const key = agentPublicKey(generateAgentKey());

  it('writes one file of equal bytes for equal configuration, and prints its checksum and keys', async () => {
    const printed = await make({ agentPublicKey: key }, 'one.html', '--json');
    const document = JSON.parse(printed.out) as { sha256: string; nodes: unknown; sandboxHosts: unknown };
    const again = await make({ agentPublicKey: key }, 'two.html');
    const page = await readFile(inTest('one.html'));

    expect(createHash('sha256').update(page).digest('hex')).toBe(document.sha256);
    expect(again.out).toContain(`${document.sha256}  ${inTest('two.html')}`);
    expect(document.nodes).toEqual([{ name: 'vault-1', fingerprint: agentFingerprint(key) }]);
    expect(document.sandboxHosts).toEqual([{ name: 'sandbox-1', fingerprint: agentFingerprint(key) }]);
    expect(page.toString()).toContain(key);
    expect(page.toString()).not.toContain('/does/not/exist');
  });

  it.each([
    ['no key', {}, 'No node of prod has an agentPublicKey'],
    ['something else for a key', { agentPublicKey: 'QUJD' }, 'The key of vault-1 is not one that an agent prints.'],
  ])('is not made with %s', async (_name, node, problem) => {
    await expect(make(node, 'page.html')).rejects.toThrow(problem);
    await expect(readFile(inTest('page.html'))).rejects.toThrow('ENOENT');
  });

  it('is not made where nothing can be written', async () => {
    await expect(make({ agentPublicKey: key }, 'missing/page.html')).rejects.toMatchObject({
      code: 'InvalidInput',
      message: expect.stringContaining("can't be written (ENOENT)"),
    });
  });

  async function make(node: object, file: string, ...more: string[]) {
    const config = parse(sampleConfig({ repositories: { local: '/backups' }, publicKeyFile: '/signing.pub' })) as {
      clusters: { prod: { nodes: object[] } };
    };
    Object.assign(config.clusters.prod.nodes[0] ?? {}, node);
    const whole = { ...config, sandboxHosts: { 'sandbox-1': { publicKey: key } } };
    await writeFile(inTest('vault-dr.yaml'), stringify(whole));
    const places = ['--config', inTest('vault-dr.yaml'), '--output', inTest(file)];
    return runVerb(holderPageCommand(), ['--cluster', 'prod', ...places, ...more]);
  }
});

describe('vault-dr unseal --envelope', () => {
  const inTest = useDirectory();

  it.each([
    [
      'a share in clear',
      'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=',
      'This looks like an unseal share in clear text.',
    ],
    ['something else', 'hello', 'This is not an armored age file'],
  ])('asks nobody with %s', async (_name, text, problem) => {
    await writeFile(inTest('envelope.txt'), text);
    const args = ['--cluster', 'prod', '--envelope', inTest('envelope.txt')];

    await expect(runVerb(unsealCommand(), args)).rejects.toThrow(problem);
  });

  it('says which file it can not read, and that nothing was sent', async () => {
    const args = ['--cluster', 'prod', '--envelope', inTest('missing.txt')];

    await expect(runVerb(unsealCommand(), args)).rejects.toMatchObject({
      code: 'InvalidInput',
      message: `${inTest('missing.txt')} can't be read (ENOENT).`,
      advice: expect.stringContaining('Nothing was sent'),
    });
  });
});
