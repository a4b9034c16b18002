import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseConfig } from '../../../src/config/load';
import { layOut } from '../../../src/lab/layout';
import { serverSettings, vaultConfig } from '../../../src/lab/server-settings';
import { listOfShapes, shapeNamed, SHAPES, type ShapeName } from '../../../src/lab/shapes';
import { PROJECT_ROOT } from '../../../src/lab/project-root';
import { productConfig } from '../../../src/lab/write-config';
import { parseHcl } from '../../../src/vault/config/hcl';

const PORTS = Array.from({ length: 31 }, (_, index) => 21_000 + index);
const VALUES = {
  labId: '0123456789abcdef',
  vault: '/usr/bin/vault',
  backupRecipient: 'age1abc',
  s3Endpoint: 'http://127.0.0.1:9000',
  approvers: [
    { name: 'bob', key: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAlOk4Y7N1YkkfqJDgjF7jnhGzL9x4ERC3cc1L2kBEgv bob@lab' },
  ],
  agentPublicKeys: Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`vault-${index + 1}`, 'MCow'])),
};

describe.each(Object.keys(SHAPES) as ShapeName[])('the shape %s', (name) => {
  const shape = SHAPES[name];
  const { nodes: count = 3, seal = 'shamir', consul = 0 } = shape;
  const layout = layOut('/srv/lab', '/dev/shm/lab', PORTS, { nodes: count, seal, consul });
  const [{ nodes }] = layout.clusters;
  nodes.forEach((node) => shape.place?.(node));

  it('is one that the product takes', () => {
    const { clusters } = parseConfig(productConfig(layout, VALUES, shape), 'vault-dr.yaml');

    expect(clusters['lab']?.nodes).toHaveLength(count);
  });

  it('gives each Vault files that can be read', () => {
    for (const node of nodes) {
      const settings = serverSettings(layout, node, layout.sealVault);
      shape.vault?.(settings, node, nodes, layout);
      const text = vaultConfig(settings);
      for (const part of Object.values(shape.files?.(node, text) ?? { [node.vaultConfigFile]: text })) {
        expect(parseHcl(part).items).not.toEqual([]);
      }
    }
  });

  it('is in the documentation of the command and in its help', async () => {
    const page = await readFile(join(PROJECT_ROOT, 'docs/cli.md'), 'utf8');
    expect(page.replaceAll(/\s+/g, ' ')).toContain(`- \`${name}\`: ${shape.about}`);
    expect(listOfShapes()).toContain(`${name} `);
  });
});

it('lists all shapes where one is asked for that there is not', () => {
  expect(() => shapeNamed('round')).toThrow('There is no shape "round".');
  const advice = expect.stringMatching(new RegExp(Object.keys(SHAPES).join('[^]*'))) as string;
  expect(refused(() => shapeNamed('toString'))).toMatchObject({ code: 'InvalidInput', advice });
});

function refused(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    return error;
  }
}
