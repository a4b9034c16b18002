import type { InstalledFile } from './install-file';

/** What one host needs to run Temporal on PostgreSQL by itself. */
export interface TemporalHost {
  /** Name under which clients reach it; the certificate of the server has it. */
  name: string;
  /** Address it listens on for clients. */
  listen: string;
  /** Made with the first start. */
  namespace: string;
  /** Days for which runs that ended can be looked at. */
  retentionDays: number;
  /** URL of the public keys (JWKS) of whoever signs tokens: they say who may do what. Null: a certificate suffices. */
  tokenKeys: string | null;
  /** Absolute path of the directory of `temporal-server`, `temporal-sql-tool` and `temporal`. */
  programs: string;
  /** Absolute path of the directory of the dumps. */
  backups: string;
}

export const TEMPORAL_HOST: Omit<TemporalHost, 'name'> = {
  listen: '0.0.0.0',
  namespace: 'vault-dr',
  retentionDays: 30,
  tokenKeys: null,
  programs: '/usr/local/bin',
  backups: '/var/backups/temporal',
};

export const TEMPORAL_TLS = {
  authority: '/etc/temporal/tls/ca.pem',
  certificate: '/etc/temporal/tls/server.pem',
  key: '/etc/temporal/tls/server.key',
  administratorCertificate: '/etc/temporal/tls/admin.pem',
  administratorKey: '/etc/temporal/tls/admin.key',
} as const;

export const TEMPORAL_PROGRAMS = ['temporal-server', 'temporal-sql-tool', 'temporal'] as const;

export const TEMPORAL_UNITS = {
  database: 'temporal-database.service',
  server: 'temporal.service',
  namespace: 'temporal-namespace.service',
  backup: 'temporal-backup.service',
  backupTimer: 'temporal-backup.timer',
} as const;

const DATABASES = ['temporal', 'temporal_visibility'] as const;
/** By the name of who asks, over a socket: there is no password to keep. */
const SOCKET = '/run/postgresql';
const SYSTEMD = '/etc/systemd/system';

/** Every file of a host that runs Temporal; the same settings give the same bytes. */
export function temporalFiles(host: TemporalHost): InstalledFile[] {
  const { database, server, namespace, backup, backupTimer } = TEMPORAL_UNITS;
  return [
    file('/etc/sysusers.d/temporal.conf', 'u temporal - "Temporal" /var/lib/temporal\n'),
    file('/etc/tmpfiles.d/temporal.conf', `d ${host.backups} 0700 postgres postgres\n`),
    file('/etc/temporal/production.yaml', serverConfig(host)),
    file('/etc/temporal/dynamic.yaml', DYNAMIC),
    file('/etc/temporal/database.sql', DATABASE_SCRIPT, '--'),
    file(`${SYSTEMD}/${database}`, DATABASE_UNIT),
    file(`${SYSTEMD}/${server}`, serverUnit(host)),
    file(`${SYSTEMD}/${namespace}`, namespaceUnit(host)),
    file(`${SYSTEMD}/${backup}`, backupUnit(host)),
    file(`${SYSTEMD}/${backupTimer}`, BACKUP_TIMER),
  ];
}

/** There is no secret in any of them. */
function file(path: string, text: string, comment: InstalledFile['comment'] = '#'): InstalledFile {
  return { path, text, mode: 0o644, comment };
}

const DYNAMIC = `# Search attributes work at once when they are new, not after a minute: the controller registers its own.
system.forceSearchAttributesCacheRefreshOnRead:
  - value: true
`;

function serverConfig({ name, listen, tokenKeys }: TemporalHost): string {
  const { authority, certificate, key } = TEMPORAL_TLS;
  const store = (database: string, connections: number) => `      sql:
        pluginName: postgres12_pgx
        databaseName: ${database}
        user: temporal
        connectProtocol: tcp
        connectAddr: localhost:5432
        connectAttributes: { host: ${SOCKET} }
        maxConns: ${connections}
        maxIdleConns: ${connections}
        maxConnLifetime: 1h`;
  const server = `{ certFile: ${certificate}, keyFile: ${key}, requireClientAuth: true, clientCaFiles: [${authority}] }`;
  const service = (grpc: number, membership: number, address: string) =>
    `{ rpc: { grpcPort: ${grpc}, membershipPort: ${membership}, bindOnIP: ${address} } }`;
  return `# Temporal on one host. Nobody without a certificate of ${authority} gets a word in.
log: { stdout: true, level: warn }

persistence:
  defaultStore: default
  visibilityStore: visibility
  # Can't be changed later.
  numHistoryShards: 16
  datastores:
    default:
${store(DATABASES[0], 20)}
    visibility:
${store(DATABASES[1], 5)}

global:
${tokenKeys === null ? '' : authorization(tokenKeys)}  membership: { maxJoinDuration: 30s, broadcastAddress: 127.0.0.1 }
  tls:
    internode:
      server: ${server}
      client: { serverName: ${name}, rootCaFiles: [${authority}] }
    frontend:
      server: ${server}
      client: { serverName: ${name}, rootCaFiles: [${authority}] }

services:
${tokenKeys === null ? '' : `  internal-frontend: ${service(7236, 6936, '127.0.0.1')}\n`}  frontend: ${service(7233, 6933, listen)}
  matching: ${service(7235, 6935, '127.0.0.1')}
  history: ${service(7234, 6934, '127.0.0.1')}
  worker: ${service(7239, 6939, '127.0.0.1')}

clusterMetadata:
  enableGlobalNamespace: false
  failoverVersionIncrement: 10
  masterClusterName: active
  currentClusterName: active
  clusterInformation:
    active: { enabled: true, initialFailoverVersion: 1, rpcName: frontend, rpcAddress: 127.0.0.1:7233 }

dynamicConfigClient: { filepath: /etc/temporal/dynamic.yaml, pollInterval: 60s }
`;
}

/** Temporal's own. The server's own workers need the frontend that asks for no token, which is on the loopback. */
function authorization(keys: string): string {
  return `  authorization:
    jwtKeyProvider: { keySourceURIs: ['${keys}'], refreshInterval: 5m }
    permissionsClaimName: permissions
    authorizer: default
    claimMapper: default
`;
}

const DATABASE_SCRIPT = [
  `SELECT 'CREATE ROLE temporal LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'temporal') \\gexec`,
  ...DATABASES.map(
    (name) =>
      `SELECT 'CREATE DATABASE ${name} OWNER temporal' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') \\gexec`,
  ),
  '',
].join('\n');

const DATABASE_UNIT = `[Unit]
Description=Role and databases of Temporal in PostgreSQL
Requires=postgresql.service
After=postgresql.service

[Service]
Type=oneshot
RemainAfterExit=yes
User=postgres
# postgresql.service is active before each of its clusters takes connections.
ExecStart=/bin/sh -c 'until pg_isready --quiet; do sleep 1; done'
ExecStart=/usr/bin/psql --no-psqlrc --set=ON_ERROR_STOP=1 --file=/etc/temporal/database.sql
TimeoutStartSec=2min
`;

function serverUnit({ programs, tokenKeys }: TemporalHost): string {
  const services = ['frontend', 'history', 'matching', 'worker', ...(tokenKeys === null ? [] : ['internal-frontend'])];
  const tool = `${programs}/temporal-sql-tool --plugin postgres12_pgx --endpoint localhost --port 5432 --user temporal --connect-attributes host=${SOCKET}`;
  const schemas = [
    [DATABASES[0], 'temporal'],
    [DATABASES[1], 'visibility'],
  ].flatMap(([database, schema]) => [
    `ExecStartPre=${tool} --database ${database} setup-schema --version 0.0`,
    `ExecStartPre=${tool} --database ${database} update-schema --schema-name postgresql/v12/${schema}`,
  ]);
  return `[Unit]
Description=Temporal
Documentation=https://docs.temporal.io/self-hosted-guide
Wants=network-online.target ${TEMPORAL_UNITS.namespace}
Requires=${TEMPORAL_UNITS.database}
After=network-online.target ${TEMPORAL_UNITS.database}
StartLimitIntervalSec=0

[Service]
User=temporal
# Made, or brought up to the version of the program; both can be repeated.
${schemas.join('\n')}
ExecStart=${programs}/temporal-server --root / --config etc/temporal --env production start ${services.map((name) => `--service ${name}`).join(' ')}
Restart=always
RestartSec=2
TimeoutStartSec=5min
TimeoutStopSec=45
StateDirectory=temporal
LimitCORE=0
UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectSystem=strict
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service

[Install]
WantedBy=multi-user.target
`;
}

function namespaceUnit({ name, namespace, retentionDays, programs }: TemporalHost): string {
  const { authority, administratorCertificate: certificate, administratorKey: key } = TEMPORAL_TLS;
  const ask = `${programs}/temporal operator namespace`;
  const create = `${ask} create --namespace ${namespace} --retention ${retentionDays}d`;
  return `[Unit]
Description=Namespace of vault-dr in Temporal
Requires=temporal.service
After=temporal.service

[Service]
Type=oneshot
RemainAfterExit=yes
Environment=HOME=/root TEMPORAL_ADDRESS=${name}:7233 TEMPORAL_TLS_CA=${authority}
Environment=TEMPORAL_TLS_CERT=${certificate} TEMPORAL_TLS_KEY=${key}
# TEMPORAL_API_KEY, where roles are by token.
EnvironmentFile=-/etc/temporal/admin-environment
ExecStart=/bin/sh -c 'until ${ask} describe --namespace ${namespace} >/dev/null || ${create}; do sleep 2; done'
TimeoutStartSec=5min
`;
}

function backupUnit({ backups }: TemporalHost): string {
  const dump = (database: string) =>
    `pg_dump --format=custom --file=${backups}/${database}.partial ${database} && mv ${backups}/${database}.partial ${backups}/${database}-$(date --utc +%%Y%%m%%dT%%H%%M%%SZ).dump`;
  return `[Unit]
Description=Backup of the databases of Temporal
After=postgresql.service

[Service]
Type=oneshot
User=postgres
UMask=0077
# A dump that was cut off never gets the name of a whole one.
${DATABASES.map((database) => `ExecStart=/bin/sh -c '${dump(database)}'`).join('\n')}
ExecStart=/usr/bin/find ${backups} -name *.dump -mtime +7 -delete
`;
}

const BACKUP_TIMER = `[Unit]
Description=Daily backup of the databases of Temporal

[Timer]
OnCalendar=daily
RandomizedDelaySec=30min
Persistent=yes

[Install]
WantedBy=timers.target
`;
