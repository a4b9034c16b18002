import {
  autopilotSchema,
  healthSchema,
  initializedSchema,
  leaderSchema,
  raftConfigurationSchema,
  sealStatusSchema,
} from '../../../src/vault/answers';
import { RECORDED } from '../../support/recorded-answers';

const MEMBERS = [
  { nodeId: 'vault-1', address: '127.0.0.1:18311', leader: true, voter: true },
  { nodeId: 'vault-2', address: '127.0.0.1:18321', leader: false, voter: false },
];

describe.each(Object.entries(RECORDED))('%s', (name, { health, sealStatus, leader, ...rest }) => {
  const isRedacted = name.includes('redacted');
  const version = isRedacted ? undefined : name.split(' ')[1];
  const product = name.startsWith('OpenBao') ? 'openbao' : 'vault';

  it('says who it is, and how it is', () => {
    expect(healthSchema.parse(health.active)).toMatchObject({ sealed: false, standby: false, version, product });
    expect(healthSchema.parse(health.standby)).toMatchObject({ sealed: false, standby: true, version, product });
    const { clusterId, clusterName } = healthSchema.parse(health.standby);
    expect(clusterId).toMatch(/^[0-9a-f-]{36}$/);
    expect(clusterName === undefined).toBe(isRedacted);
    expect(healthSchema.parse(health.sealed)).toMatchObject({ initialized: true, sealed: true, clusterId: undefined });
    expect(healthSchema.parse(health.blank)).toMatchObject({ initialized: false, removedFromCluster: false });
  });

  it('says how it is sealed', () => {
    expect(sealStatusSchema.parse(sealStatus.unsealed)).toMatchObject({ type: 'shamir', sealed: false, n: 1, version });
    expect(sealStatusSchema.parse(sealStatus.sealed)).toMatchObject({ sealed: true, progress: 0, nonce: '' });
    expect(sealStatusSchema.parse(sealStatus.blank)).toMatchObject({ initialized: false, t: 0, n: 0 });
  });

  it('says whether it leads', () => {
    expect(leaderSchema.parse(leader.active)).toMatchObject({ haEnabled: true, isSelf: true });
    expect(leaderSchema.parse(leader.standby)).toMatchObject({ haEnabled: true, isSelf: false });
    expect(leaderSchema.parse(leader.leaderless)).toMatchObject({ isSelf: false });
  });

  it('names its members', () => {
    expect(raftConfigurationSchema.parse(rest.raftConfiguration)).toEqual(MEMBERS);
    const { healthy, voters, servers } = autopilotSchema.parse(rest.autopilot);
    expect({ healthy, voters }).toEqual({ healthy: true, voters: ['vault-1'] });
    expect(servers.map(({ id, status, isNonVoter, nodeStatus }) => [id, status, isNonVoter, nodeStatus])).toEqual([
      ['vault-1', 'leader', false, 'alive'],
      ['vault-2', 'non-voter', false, 'alive'],
    ]);
  });

  it('gives the keys of a blank one', () => {
    expect(initializedSchema.parse(rest.initialized).rootToken).toMatch(/^\w*s\.root$/);
  });
});

describe('of what is optional', () => {
  it('null and nothing are the same', () => {
    const { data } = raftConfigurationSchema.def.in.parse({ data: { config: { servers: null } } });
    expect(data.config.servers).toEqual([]);
    expect(initializedSchema.parse({ keys: null, keys_base64: null, root_token: 's.root' }).keys).toEqual([]);
    expect(autopilotSchema.parse({ data: {} })).toMatchObject({ healthy: false, voters: [], servers: [] });
  });

  it('a permanent non-voter is distinguished from one that does not vote yet', () => {
    const servers = { a: { node_type: 'non-voter' }, b: { read_replica: true }, c: { status: 'non-voter' } };
    expect(autopilotSchema.parse({ data: { servers } }).servers.map(({ id, isNonVoter }) => [id, isNonVoter])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
    ]);
  });

  it('what is no answer of theirs is refused all the same', () => {
    expect(leaderSchema.safeParse({ errors: ['Vault is sealed'] }).success).toBe(false);
    expect(healthSchema.safeParse({ initialized: 'yes' }).success).toBe(false);
    expect(sealStatusSchema.safeParse({ type: 'shamir' }).success).toBe(false);
  });
});
