import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../../src/config/load';
import { PROJECT_ROOT } from '../../src/lab/project-root';

const EXAMPLES = ['single-node', 'three-nodes', 'openbao-static-seal', 'two-clouds'];
const read = (path: string) => readFile(join(PROJECT_ROOT, 'examples', path), 'utf8');

it('each is in the list of examples', async () => {
  const folders = (await readdir(join(PROJECT_ROOT, 'examples'))).filter((name) => !name.includes('.'));

  expect(folders.sort()).toEqual([...EXAMPLES].sort());
  for (const name of EXAMPLES) expect(await read('README.md')).toContain(`[${name}](${name})`);
});

describe.each(EXAMPLES)('%s', (name) => {
  it('has a configuration that vault-dr takes, and names its schema for editors', async () => {
    const text = await read(`${name}/vault-dr.yaml`);
    const [[, cluster] = []] = Object.entries(parseConfig(text, name).clusters);

    expect(cluster?.nodes.length).toBe(['three-nodes', 'two-clouds'].includes(name) ? 3 : 1);
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../../schemas/vault-dr.schema.json');
  });

  it("has Vault's own configuration, with the same data directory and addresses", async () => {
    const [[, cluster] = []] = Object.entries(parseConfig(await read(`${name}/vault-dr.yaml`), name).clusters);
    const files = (await readdir(join(PROJECT_ROOT, 'examples', name))).filter((file) => file.endsWith('.hcl'));
    const texts = await Promise.all(files.map((file) => read(`${name}/${file}`)));

    expect(texts.length).toBeGreaterThan(0);
    for (const [index, text] of texts.entries()) {
      const node = cluster?.nodes[index];
      expect(text).toMatch(new RegExp(`path += "${node?.dataDir}"`));
      expect(text).toMatch(new RegExp(`api_addr += "${node?.address}"`));
      expect(text).toMatch(new RegExp(`cluster_addr += "https://${node?.clusterAddress}"`));
    }
  });
});
