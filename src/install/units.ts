import { MEMORY_ENVIRONMENT } from '../process-memory';

/** The services of an installed vault-dr. */
export const PARTS = ['controller', 'agent', 'sandbox', 'web'] as const;
export type Part = (typeof PARTS)[number];

export interface UnitSettings {
  /** As whom it runs. An agent that is not root gets its capabilities as ambient ones. */
  user: string;
  /** Words of the command that runs vault-dr. */
  program: readonly string[];
  /** Absolute paths that it may write to, besides its own directories. What does not exist is no error. */
  writable: readonly string[];
  /** Files that it must not be able to read, though its user may. */
  hidden?: readonly string[];
  /** Systemd credentials with its secrets. `isEncrypted`: as systemd-creds(1) has made it. */
  credentials: readonly { name: string; isEncrypted: boolean }[];
  /** The agent starts Vault as its own child, which inherits whatever the unit takes away. */
  runsVault: boolean;
}

export const UNIT_NAMES = {
  controller: 'vault-dr-controller.service',
  agent: 'vault-dr-agent.service',
  sandbox: 'vault-dr-sandbox.service',
  web: 'vault-dr-web.service',
} as const satisfies Record<Part, string>;

/** What differs from host to host, such as VAULT_DR_CLUSTER and VAULT_DR_NODE of an agent: one unit serves them all. */
export const ENVIRONMENT_FILE = '/etc/vault-dr/environment';

/** What a package ships. An agent may rename in the directories that packages of Vault and OpenBao use. */
export const PACKAGED = {
  controller: {
    user: 'vault-dr',
    program: ['/usr/bin/vault-dr'],
    writable: ['/var/backups/vault'],
    credentials: [],
    runsVault: false,
  },
  agent: {
    user: 'root',
    program: ['/usr/bin/vault-dr'],
    writable: ['/opt/vault', '/opt/openbao', '/var/lib/vault', '/var/lib/openbao'],
    credentials: [],
    runsVault: false,
  },
  sandbox: {
    user: 'root',
    program: ['/usr/bin/vault-dr'],
    writable: ['/var/backups/vault'],
    credentials: [],
    runsVault: false,
  },
  web: {
    user: 'vault-dr',
    program: ['/usr/bin/vault-dr'],
    writable: [],
    credentials: [],
    runsVault: false,
  },
} as const satisfies Record<Part, UnitSettings>;

/**
 * What an agent needs besides its own files: to read and rename what belongs to Vault's user, and to give the new data
 * directory to that user. None for systemd: it asks who the caller is, not what it may.
 */
const AGENT_CAPABILITIES = 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER';

/** To make a fence, to be two users in it, and to read what the user of a controller keeps on the same host. */
const SANDBOX_CAPABILITIES =
  'CAP_SYS_ADMIN CAP_NET_ADMIN CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_KILL CAP_CHOWN CAP_DAC_OVERRIDE CAP_NET_BIND_SERVICE';
/** Of a fence, and no others: none of users, in which everybody may do what root may. */
const SANDBOX_NAMESPACES = 'mnt pid net ipc uts cgroup';

const DESCRIPTIONS: Record<Part, string> = {
  controller: 'controller',
  agent: 'agent',
  sandbox: 'sandbox host',
  web: 'pages',
};

/** The text of a unit file. Pure: the package and `vault-dr install` write the same. */
export function unitText(part: Part, settings: UnitSettings = PACKAGED[part]): string {
  const sections = {
    Unit: [
      `Description=vault-dr ${DESCRIPTIONS[part]}`,
      'Documentation=man:vault-dr(1)',
      'Wants=network-online.target',
      'After=network-online.target',
      'StartLimitIntervalSec=0',
    ],
    Service: SERVICES[part](settings),
    Install: ['WantedBy=multi-user.target'],
  };
  return Object.entries(sections)
    .map(([name, lines]) => `[${name}]\n${lines.join('\n')}\n`)
    .join('\n');
}

const SERVICES = { controller, agent, sandbox: sandboxHost, web } as const satisfies Record<
  Part,
  (settings: UnitSettings) => string[]
>;

function controller(settings: UnitSettings): string[] {
  return [
    ...running(settings, 'worker'),
    'KillMode=mixed',
    ...confined(settings),
    'CapabilityBoundingSet=',
    'ProtectProc=invisible',
    'SystemCallFilter=~@privileged @resources',
  ];
}

/** It only reads, and takes connections. */
function web(settings: UnitSettings): string[] {
  return [
    ...running(settings, 'web'),
    'KillMode=mixed',
    ...confined(settings),
    ...(settings.hidden ?? []).map((path) => `InaccessiblePaths=${unitWord(`-${path}`)}`),
    'CapabilityBoundingSet=',
    'ProtectProc=invisible',
    'SystemCallFilter=~@privileged @resources',
  ];
}

function agent(settings: UnitSettings): string[] {
  const { user, runsVault } = settings;
  return [
    ...running(settings, 'agent'),
    '# In memory, and kept: without it holders must submit their shares again after a restart of the agent.',
    'RuntimeDirectory=vault-dr',
    'RuntimeDirectoryMode=0700',
    'RuntimeDirectoryPreserve=yes',
    // Vault would inherit all of it, without CAP_IPC_LOCK for its mlock, and would end with the agent.
    ...(runsVault
      ? ['KillMode=process']
      : [
          'KillMode=mixed',
          ...confined(settings),
          // To keep Vault's unit stopped while a recovery needs that: only root's agent may, who may tell systemd anything.
          // In the other one a quiet restore keeps its fence, which must outlive a reboot.
          ...(user === 'root' ? ['ReadWritePaths=-/run/systemd/system', 'ReadWritePaths=-/etc/systemd/system'] : []),
          `CapabilityBoundingSet=${AGENT_CAPABILITIES}`,
          ...(user === 'root'
            ? []
            : [
                `AmbientCapabilities=${AGENT_CAPABILITIES}`,
                '# With it access(2) counts these; without it a plan says that directories are not writable.',
                'SecureBits=no-setuid-fixup',
              ]),
          'SystemCallFilter=~@privileged @resources',
          'SystemCallFilter=@chown',
        ]),
  ];
}

/** As root: the Vault in a fence is another user then than what watches it, and the kernel need not let everybody make one. */
function sandboxHost(settings: UnitSettings): string[] {
  return [
    ...running(settings, 'sandbox', 'vault-dr/sandbox vault-dr/drills'),
    '# In memory, and kept: without it holders must submit their shares again after a restart.',
    'RuntimeDirectory=vault-dr-sandbox',
    'RuntimeDirectoryMode=0700',
    'RuntimeDirectoryPreserve=yes',
    '# Backups in clear are in memory, and shall stay there.',
    'MemorySwapMax=0',
    'KillMode=mixed',
    ...confined(settings, SANDBOX_NAMESPACES),
    `CapabilityBoundingSet=${SANDBOX_CAPABILITIES}`,
    'SystemCallFilter=@mount',
  ];
}

function running({ user, program, credentials }: UnitSettings, verb: string, state = 'vault-dr'): string[] {
  return [
    'Type=exec',
    ...(user === 'root' ? [] : [`User=${user}`]),
    'Environment=TEMPORAL_CONFIG_FILE=/etc/vault-dr/temporal.toml',
    '# They keep its memory small.',
    ...Object.entries(MEMORY_ENVIRONMENT).map(([name, value]) => `Environment=${name}=${value}`),
    `EnvironmentFile=-${ENVIRONMENT_FILE}`,
    ...credentials.map(({ name, isEncrypted }) => `LoadCredential${isEncrypted ? 'Encrypted' : ''}=${name}`),
    `ExecStart=${[...program, verb].map((word) => unitWord(word.replaceAll('$', '$$$$'))).join(' ')}`,
    'Restart=always',
    'RestartSec=2',
    'TimeoutStopSec=45',
    `StateDirectory=${state}`,
    'StateDirectoryMode=0700',
    'UMask=0077',
    'LimitCORE=0',
  ];
}

/** MemoryDenyWriteExecute= is not possible: V8 compiles at run time. */
function confined({ program, writable }: UnitSettings, namespaces = 'yes'): string[] {
  // Installed by npm in somebody's home it must at least be readable.
  const atHome = program.some((word) => /^\/(home|root)\//.test(word));
  return [
    'NoNewPrivileges=yes',
    'ProtectSystem=strict',
    ...writable.map((path) => `ReadWritePaths=${unitWord(`-${path}`)}`),
    `ProtectHome=${atHome ? 'read-only' : 'yes'}`,
    'PrivateTmp=yes',
    'PrivateMounts=yes',
    'PrivateDevices=yes',
    'ProtectClock=yes',
    'ProtectControlGroups=yes',
    'ProtectHostname=yes',
    'ProtectKernelLogs=yes',
    'ProtectKernelModules=yes',
    'ProtectKernelTunables=yes',
    'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
    `RestrictNamespaces=${namespaces}`,
    'RestrictRealtime=yes',
    'RestrictSUIDSGID=yes',
    'LockPersonality=yes',
    'RemoveIPC=yes',
    'KeyringMode=private',
    'SystemCallArchitectures=native',
    'SystemCallErrorNumber=EPERM',
    'SystemCallFilter=@system-service',
  ];
}

/** One word of a setting: nothing of it is a specifier or a separator, or ends the line. */
function unitWord(word: string): string {
  const literal = word.replaceAll('%', '%%');
  if (/^[\w@:./%$+,=-]+$/.test(literal)) return literal;
  return `"${literal.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
}
