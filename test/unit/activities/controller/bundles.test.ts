import { readFile } from 'node:fs/promises';
import { stageBundle, takeHanded } from '../../../../activities/controller/bundles';
import { Controller } from '../../../../activities/controller/context';
import { clusterOf, parseConfig } from '../../../../src/config/load';
import type { ConfigBundle } from '../../../../src/contract/generation';
import { agentPublicKey, generateAgentKey, signBundle } from '../../../../src/crypto/agent-key';
import { digestOf } from '../../../../src/repository/digest';
import { parseManifest, serializeManifest } from '../../../../src/repository/manifest';
import { sampleManifest } from '../../../support/generation';
import { sampleConfig } from '../../../support/sample-config';
import { useDirectory } from '../../../support/temporary';

const inTest = useDirectory();
const KEY = generateAgentKey();
const CONTENT = Buffer.from('encrypted files');
const BUNDLE: ConfigBundle = { node: 'vault-1', file: 'config-vault-1.tar.gz.age', ...digestOf(CONTENT) };

const signed = (by: string, about = BUNDLE, cluster = 'prod') => ({
  ...BUNDLE,
  signature: signBundle(by, cluster, about),
});

/** By a controller that knows this key of the agent. */
function stage(bundle: ConfigBundle, agentPublicKey: string | undefined) {
  const input = { cluster: 'prod', run: 'run-1', bundle: { ...bundle, content: CONTENT.toString('base64') } };
  return stageBundle(controllerWith(agentPublicKey), input);
}

function controllerWith(agentPublicKey: string | undefined): Controller {
  const text = sampleConfig({ repositories: { local: inTest() }, publicKeyFile: inTest('signing.pub') });
  const config = { ...parseConfig(text, 'vault-dr.yaml'), stateDir: inTest('state') };
  const nodes = clusterOf(config, 'prod').nodes.map((node) => ({
    ...node,
    agentPublicKey,
    configFiles: ['/etc/vault.d'],
  }));
  config.clusters['prod'] = { ...clusterOf(config, 'prod'), nodes };
  return new Controller({ config });
}

test('what the agent has signed is kept, with its signature', async () => {
  await expect(stage(signed(KEY), agentPublicKey(KEY))).resolves.toEqual(signed(KEY));

  expect(await readFile(inTest('state', 'staging', 'prod', 'run-1', 'bundles', BUNDLE.file))).toEqual(CONTENT);
});

test.each([
  ['nobody', BUNDLE, 'has not signed it'],
  ['somebody else', signed(generateAgentKey()), 'does not match the key'],
  ['the agent for another node', signed(KEY, { ...BUNDLE, node: 'vault-2' }), 'does not match the key'],
  [
    'the agent for another content',
    signed(KEY, { ...BUNDLE, ...digestOf(Buffer.from('x')) }),
    'does not match the key',
  ],
  ['the agent for another cluster', signed(KEY, BUNDLE, 'staging'), 'does not match the key'],
])('what %s has signed is left out', async (_who, bundle, problem) => {
  await expect(stage(bundle, agentPublicKey(KEY))).rejects.toMatchObject({
    code: 'SignatureInvalid',
    message: expect.stringContaining(problem),
    retryable: false,
  });
});

test('where no key is configured nothing can be said against it', async () => {
  await expect(stage(BUNDLE, undefined)).resolves.toEqual(BUNDLE);
});

test('a manifest keeps the signature, and one of before has none', () => {
  const [before, now] = [BUNDLE, signed(KEY)].map((bundle) =>
    serializeManifest(sampleManifest(CONTENT, { bundles: [bundle] })),
  ) as [Buffer, Buffer];

  expect(parseManifest(before).bundles).toEqual([BUNDLE]);
  expect(parseManifest(now).bundles).toEqual([signed(KEY)]);
  expect(before.toString()).not.toContain('signature');
});

test('those that come with the step that writes the manifest are staged by it; what is forged is left out and told of', async () => {
  const controller = controllerWith(agentPublicKey(KEY));
  const staging = await controller.stagingDirectory('prod', 'run-1');
  const take = (bundle: ConfigBundle) =>
    takeHanded(controller, 'prod', staging, inTest('to'), {
      bundles: [],
      collected: [{ ...bundle, content: CONTENT.toString('base64') }],
      run: 'run-1',
    });

  expect(await take(signed(generateAgentKey()))).toEqual({
    bundles: [],
    problems: [expect.stringContaining('configuration files of vault-1: The files collected on vault-1 are left out')],
  });
  expect(await take(signed(KEY))).toEqual({ bundles: [signed(KEY)], problems: [] });
  expect(await readFile(inTest('to', BUNDLE.file))).toEqual(CONTENT);
});
