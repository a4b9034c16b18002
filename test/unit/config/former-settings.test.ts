import { type FormerSetting, modernised } from '../../../src/config/former-settings';
import { parseConfig } from '../../../src/config/load';
import { configOfEarlierVersion } from '../../support/sample-config';
import { thrownBy } from '../../support/thrown';

const OLD = configOfEarlierVersion();

function deprecationsOf(text: string): string[] {
  const said: string[] = [];
  parseConfig(text, 'vault-dr.yaml', (line) => said.push(line));
  return said;
}

describe('a configuration of an earlier version', () => {
  it('loads, and says what of it is written otherwise now', () => {
    expect(deprecationsOf(OLD)).toEqual([
      'line 14: clusters.prod.consul.scope: does not exist any more: a backup always has all that is in Consul; remove it',
      'line 15: clusters.prod.consul.allowStale: does not exist any more: only the leader of Consul is asked; remove it',
    ]);
    expect(parseConfig(OLD, 'f').clusters['prod']?.consul).not.toHaveProperty('scope');
  });

  it('is refused where it wants what is not done any more', () => {
    const error = thrownBy(() => parseConfig(OLD.replace('scope: all', 'scope: vault'), 'f'));

    expect(error.message).toBe(
      'f has 1 problem:\n  - line 14: clusters.prod.consul.scope: does not exist any more: a backup always has all that is in Consul',
    );
  });

  it('says nothing where there is nothing to say', () => {
    expect(deprecationsOf(OLD.replace(/ +(scope|allowStale): .*\n/g, ''))).toEqual([]);
  });
});

describe('a setting with a new name', () => {
  const FORMER: FormerSetting[] = [{ path: 'clusters.*.nodes.*.unit', movedTo: 'clusters.*.nodes.*.service.unit' }];
  const withNodes = (...nodes: object[]) => ({ clusters: { prod: { nodes } } });

  it('is read as the new one, wherever it is', () => {
    const shared = { unit: 'vault' };

    const { raw, deprecations, problems } = modernised(withNodes(shared, shared, { name: 'c' }), FORMER);

    const moved = { service: { unit: 'vault' } };
    expect(raw).toEqual(withNodes(moved, moved, { name: 'c' }));
    expect(deprecations).toEqual(
      ['0', '1'].map((node) => ({
        path: ['clusters', 'prod', 'nodes', node, 'unit'],
        message: `is called clusters.prod.nodes.${node}.service.unit now`,
      })),
    );
    expect(problems).toEqual([]);
    expect(shared).toEqual({ unit: 'vault' });
  });

  it.each([
    ['with the new one beside it', { unit: 'vault', service: { unit: 'bao' } }],
    ['with something else in its place', { unit: 'vault', service: 'vault' }],
  ])('is refused %s', (_case, node) => {
    const { deprecations, problems } = modernised(withNodes(node), FORMER);

    expect(deprecations).toEqual([]);
    expect(problems).toEqual([
      {
        path: ['clusters', 'prod', 'nodes', '0', 'unit'],
        message: 'is called clusters.prod.nodes.0.service.unit now, which is there as well: remove one of them',
      },
    ]);
  });

  it.each([null, 'text', { clusters: null }, { clusters: { prod: { nodes: 'none' } } }])(
    'is not looked for in %j',
    (raw) => {
      expect(modernised(raw, FORMER)).toEqual({ raw, deprecations: [], problems: [] });
    },
  );
});
