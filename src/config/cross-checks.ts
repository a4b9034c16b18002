import { relative, resolve } from 'node:path';
import { z } from 'zod';
import { ROTATING } from './settings/drill';

export interface CrossProblem {
  path: PropertyKey[];
  message: string;
}

const text = z.string().optional().catch(undefined);

const count = z.number().optional().catch(undefined);
const restoreLinks = z
  .looseObject({
    approvers: z
      .array(z.looseObject({ name: text, key: text }).catch({}))
      .optional()
      .catch([]),
    trust: z.unknown().optional(),
    setAside: text,
    approvals: count,
    drills: z.looseObject({ approvals: count }).optional().catch(undefined),
  })
  .catch({});

/** Tolerates anything, so that these checks also run on a configuration with other errors. */
const links = z
  .looseObject({
    clusters: z
      .record(
        z.string(),
        z
          .looseObject({
            method: text,
            consul: z.unknown().optional(),
            filesystem: z.looseObject({ node: text, window: z.unknown().optional() }).optional().catch(undefined),
            repositories: z.array(z.string()).catch([]),
            restore: restoreLinks,
            drill: z.looseObject({ from: text }).optional().catch(undefined),
            nodes: z
              .array(
                z
                  .looseObject({
                    name: text,
                    nodeId: text,
                    address: text,
                    clusterAddress: text,
                    dataDir: text,
                    stateDir: text,
                    runtimeDir: text,
                    agentPublicKey: text,
                    ssh: z.unknown().optional(),
                    service: z.looseObject({ driver: text }).optional().catch(undefined),
                  })
                  .catch({}),
              )
              .catch([]),
          })
          .catch({ repositories: [], restore: {}, nodes: [] }),
      )
      .catch({}),
    repositories: z.record(z.string(), z.unknown()).catch({}),
    notify: z
      .looseObject({
        channels: z
          .record(z.string(), z.looseObject({ clusters: z.array(z.string()).optional().catch([]) }).catch({}))
          .optional()
          .catch({}),
      })
      .optional()
      .catch({}),
  })
  .catch({ clusters: {}, repositories: {} });

const place = z.union([
  z.looseObject({ type: z.literal('directory'), path: z.string(), host: text, shared: z.unknown().optional() }),
  z.looseObject({ type: z.literal('s3'), bucket: z.string(), prefix: text, endpoint: text }),
]);

type Restore = z.infer<typeof restoreLinks>;
type Cluster = z.infer<typeof links>['clusters'][string];
type Node = Cluster['nodes'][number];

/** Conflicts between two settings, each of which is valid by itself. */
export function crossProblems(raw: unknown): CrossProblem[] {
  const { clusters, repositories, notify } = links.parse(raw);
  const ofClusters = Object.entries(clusters).flatMap(([name, cluster]) => [
    ...cluster.repositories.flatMap((repository, index) =>
      Object.hasOwn(repositories, repository)
        ? []
        : [
            {
              path: ['clusters', name, 'repositories', index],
              message: `'${repository}' is not defined under 'repositories'`,
            },
          ],
    ),
    ...sharedPlaces(cluster.repositories, repositories, ['clusters', name, 'repositories']),
    ...differentHosts(cluster.repositories, repositories, ['clusters', name, 'repositories']),
    ...drillProblems(cluster, ['clusters', name, 'drill', 'from']),
    ...methodProblems(cluster, ['clusters', name]),
    ...trustProblems(cluster.restore, ['clusters', name, 'restore']),
    ...deletionProblems(cluster, ['clusters', name, 'nodes']),
    ...duplicates(cluster.nodes, ['clusters', name, 'nodes']),
    ...sshProblems(cluster, ['clusters', name]),
    ...cluster.nodes.flatMap((node, index) => lostDirectories(node, ['clusters', name, 'nodes', index])),
  ]);
  const ofChannels = Object.entries(notify?.channels ?? {}).flatMap(([name, { clusters: wanted = [] }]) =>
    wanted.flatMap((cluster, index) =>
      Object.hasOwn(clusters, cluster)
        ? []
        : [
            {
              path: ['notify', 'channels', name, 'clusters', index],
              message: `'${cluster}' is no cluster of this file`,
            },
          ],
    ),
  );
  return [...ofClusters, ...Object.entries(repositories).flatMap(bothWays), ...ofChannels];
}

function drillProblems({ drill, repositories }: Cluster, path: PropertyKey[]): CrossProblem[] {
  const { from = ROTATING } = drill ?? {};
  if (from === ROTATING || repositories.includes(from)) return [];
  return [{ path, message: `'${from}' is none of the repositories of the cluster` }];
}

/** Settings that only one method uses. */
function methodProblems({ method = 'raft', consul, filesystem, nodes }: Cluster, path: PropertyKey[]): CrossProblem[] {
  const { node, window } = filesystem ?? {};
  return [
    ...(method === 'consul' && consul === undefined
      ? [{ path: [...path, 'consul'], message: "is missing: with `method: consul` it says where Vault's Consul is" }]
      : []),
    ...(method !== 'consul' && consul !== undefined
      ? [{ path: [...path, 'consul'], message: `goes with \`method: consul\` only, and the method is '${method}'` }]
      : []),
    ...(method !== 'filesystem' && filesystem !== undefined
      ? [
          {
            path: [...path, 'filesystem'],
            message: `goes with \`method: filesystem\` only, and the method is '${method}'`,
          },
        ]
      : []),
    ...(method === 'filesystem' && nodes.length === 1 && window === undefined
      ? [
          {
            path: [...path, 'filesystem', 'window'],
            message:
              'is missing: the only node is stopped for each backup, so nothing serves meanwhile; say when that may be',
          },
        ]
      : []),
    ...(method === 'filesystem' ? copiesUnsigned(nodes, [...path, 'nodes']) : []),
    ...(node !== undefined && !nodes.some(({ name }) => name === node)
      ? [{ path: [...path, 'filesystem', 'node'], message: `'${node}' is not one of the nodes` }]
      : []),
  ];
}

/** Only the agent vouches for the contents of a node's archive, so its signature must be verifiable. */
function copiesUnsigned(nodes: Node[], path: PropertyKey[]): CrossProblem[] {
  return nodes.flatMap((node, index) =>
    // A node without a data directory has no agent yet, and is refused when a backup needs one.
    node.agentPublicKey === undefined && node.dataDir !== undefined
      ? [
          {
            path: [...path, index, 'agentPublicKey'],
            message:
              'is required with `method: filesystem`: by it the controller knows that this agent made a copy; print it with `vault-dr agent-key` on that host',
          },
        ]
      : [],
  );
}

/** What only an agent can do, because it is there between the steps. */
function sshProblems({ method, filesystem, nodes }: Cluster, path: PropertyKey[]): CrossProblem[] {
  return nodes.flatMap((node, index) => {
    if (node.ssh === undefined) return [];
    const at = [...path, 'nodes', index];
    const isCopied = method === 'filesystem' && [undefined, node.name].includes(filesystem?.node);
    return [
      ...(node.service?.driver === 'process'
        ? [
            {
              path: [...at, 'service', 'driver'],
              message:
                'cannot be `process` with ssh: without an agent nothing would start Vault again after a crash; use `systemd` or `command`',
            },
          ]
        : []),
      ...(isCopied
        ? [
            {
              path: [...at, 'ssh'],
              message:
                'cannot be used where the method `filesystem` stops Vault: only an agent starts it again when the controller is gone; name another node in `filesystem.node`',
            },
          ]
        : []),
    ];
  });
}

/** Changes to a host need people's signatures, or an explicit decision that write access to Temporal is enough. */
function trustProblems({ approvers, trust, approvals = 1, drills }: Restore, path: PropertyKey[]): CrossProblem[] {
  if (approvers === undefined) {
    if (trust !== undefined) return [];
    const way =
      "must name the approvers: `approvers: [{ name: ana, key: ssh-ed25519 AAAA… }]`. Or set `trust: namespace`: then anyone who can write to Temporal's namespace can have the data of every node wiped";
    return [{ path, message: way }];
  }
  const problems: CrossProblem[] = [];
  if (trust !== undefined) problems.push({ path: [...path, 'trust'], message: 'cannot be combined with approvers' });
  for (const field of ['name', 'key'] as const) {
    approvers.forEach((approver, index) => {
      const value = field === 'key' ? approver.key?.trim().split(/\s+/)[1] : approver.name;
      const first = approvers.findIndex(
        (other) => (field === 'key' ? other.key?.trim().split(/\s+/)[1] : other.name) === value,
      );
      if (value === undefined || first === index) return;
      problems.push({
        path: [...path, 'approvers', index, field],
        message: `is also the ${field} of an earlier approver`,
      });
    });
  }
  const wanted = [
    { path: [...path, 'approvals'], value: approvals },
    ...(drills ? [{ path: [...path, 'drills', 'approvals'], value: drills.approvals ?? 0 }] : []),
  ];
  for (const { path: at, value } of wanted) {
    if (value < 1) problems.push({ path: at, message: 'must be 1 or more if approvers are named' });
    if (value > approvers.length)
      problems.push({ path: at, message: `is more than the number of approvers (${approvers.length})` });
  }
  return problems;
}

/** Data is deleted for good only once the first node's own agent has signed that the backup is there. */
function deletionProblems(
  { restore, nodes }: { restore: Restore; nodes: Node[] },
  path: PropertyKey[],
): CrossProblem[] {
  if (restore.setAside !== 'delete' || restore.approvers === undefined) return [];
  return nodes.flatMap((node, index) =>
    node.agentPublicKey === undefined
      ? [{ path: [...path, index, 'agentPublicKey'], message: 'is required if setAside is `delete`' }]
      : [],
  );
}

function duplicates(nodes: Node[], path: PropertyKey[]): CrossProblem[] {
  const fields = {
    name: (node: Node) => node.name,
    nodeId: (node: Node) => node.nodeId ?? node.name,
    address: (node: Node) => node.address,
    clusterAddress: (node: Node) => node.clusterAddress,
  };
  return Object.entries(fields).flatMap(([field, valueOf]) =>
    nodes.flatMap((node, index) => {
      const value = valueOf(node);
      const first = nodes.findIndex((other) => valueOf(other) === value);
      // Two nodes of one name share a node id as well: reported once.
      const same = field === 'nodeId' && node.nodeId === undefined && nodes[first]?.name === node.name;
      if (value === undefined || first === index || same) return [];
      return [{ path: [...path, index, field], message: `'${value}' is also the ${field} of an earlier node` }];
    }),
  );
}

/** Files that a restore must keep may not be in the directory that it sets aside. */
function lostDirectories(node: Node, path: PropertyKey[]): CrossProblem[] {
  return (['stateDir', 'runtimeDir'] as const).flatMap((field) => {
    const [directory, dataDir] = [node[field], node.dataDir];
    if (directory === undefined || dataDir === undefined || /^\.\.(\/|$)/.test(relative(dataDir, directory))) return [];
    return [{ path: [...path, field], message: 'must not be inside dataDir, which a restore sets aside' }];
  });
}

/** Two repositories in one place hold one copy, which would be counted, read back and removed as two. */
function sharedPlaces(names: string[], repositories: Record<string, unknown>, path: PropertyKey[]): CrossProblem[] {
  const places = names.map((name) => placeOf(repositories[name]));
  return names.flatMap((name, index) => {
    const own = places[index];
    if (own === undefined) return [];
    const shared = places.findIndex((other) => other !== undefined && (own.startsWith(other) || other.startsWith(own)));
    if (shared === index) return [];
    const message =
      places[shared] === own
        ? `'${name}' is the same place as '${names[shared]}', so it is not a second copy`
        : `'${name}' and '${names[shared]}' overlap: neither may be inside the other`;
    return [{ path: [...path, index], message }];
  });
}

/** No controller could copy from one to the other. */
function differentHosts(names: string[], repositories: Record<string, unknown>, path: PropertyKey[]): CrossProblem[] {
  const hosts = names.map((name) => hostOf(repositories[name]));
  const first = hosts.findIndex((host) => host !== undefined);
  return names.flatMap((name, index) => {
    if (hosts[index] === undefined || hosts[index] === hosts[first]) return [];
    const message = `'${name}' is a directory of another host than '${names[first]}', so nothing can copy from one to the other: use a bucket, or a shared directory`;
    return [{ path: [...path, index], message }];
  });
}

function hostOf(repository: unknown): string | undefined {
  const { data } = place.safeParse(repository);
  return data?.type === 'directory' ? data.host : undefined;
}

function bothWays([name, repository]: [string, unknown]): CrossProblem[] {
  const { data } = place.safeParse(repository);
  if (data?.type !== 'directory' || data.host === undefined || data.shared === undefined) return [];
  return [{ path: ['repositories', name, 'shared'], message: 'a directory that is shared has no `host`' }];
}

/** A place that begins with another is inside it. Undefined if it is not a repository. */
function placeOf(repository: unknown): string | undefined {
  const { data } = place.safeParse(repository);
  if (data === undefined) return undefined;
  if (data.type === 'directory') return `${resolve(data.path)}/`.replace('//', '/');
  const { endpoint = '', bucket, prefix = '' } = data;
  const server = URL.canParse(endpoint) ? new URL(endpoint).href : endpoint;
  return [server.replace(/\/$/, ''), bucket, prefix].join(' ');
}
