/** What `systemctl show` of systemd 252 prints of the properties that are asked for, for units in several states. */
const common = (changes: Record<string, string>) =>
  Object.entries({
    RefuseManualStart: 'no',
    RefuseManualStop: 'no',
    NRestarts: '0',
    Result: 'success',
    ExecStart:
      '{ path=/bin/sh ; argv[]=/bin/sh server -config=/etc/vault.d/vault.hcl ; ignore_errors=no ; start_time=[Thu 2026-11-26 08:11:02 UTC] ; stop_time=[n/a] ; pid=812 ; code=(null) ; status=0/0 }',
    LoadState: 'loaded',
    ActiveState: 'active',
    SubState: 'running',
    UnitFileState: 'enabled',
    NeedDaemonReload: 'no',
    StartLimitIntervalUSec: '0',
    StartLimitBurst: '3',
    RootDirectory: '',
    ...changes,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

const absent = (state: string, name: string, said: string, file = '') =>
  [
    'RefuseManualStart=no',
    'RefuseManualStop=no',
    `LoadState=${state}`,
    'ActiveState=inactive',
    'SubState=dead',
    `UnitFileState=${file}`,
    'NeedDaemonReload=no',
    'StartLimitIntervalUSec=10s',
    'StartLimitBurst=5',
    `LoadError=org.freedesktop.systemd1.${name} "${said}"`,
    '',
  ].join('\n');

export const SHOWN = {
  running: common({}),
  packaged: common({ StartLimitIntervalUSec: '1min' }),
  stopped: common({ ActiveState: 'inactive', SubState: 'dead', UnitFileState: 'disabled' }),
  limited: common({
    ActiveState: 'failed',
    SubState: 'failed',
    Result: 'start-limit-hit',
    NRestarts: '3',
    StartLimitIntervalUSec: '1min',
  }),
  failed: common({ ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' }),
  changed: common({ NeedDaemonReload: 'yes', RefuseManualStop: 'yes' }),
  noBinary: common({
    ExecStart:
      '{ path=/opt/none/vault ; argv[]=/opt/none/vault server ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }',
  }),
  ownRoot: common({ RootDirectory: '/srv/vault', ExecStart: '{ path=/opt/none/vault ; argv[]=/opt/none/vault ; }' }),
  masked: absent('masked', 'UnitMasked', 'Unit vault.service is masked.', 'masked'),
  maskedUntilReboot: absent('masked', 'UnitMasked', 'Unit vault.service is masked.', 'masked-runtime'),
  notFound: absent('not-found', 'NoSuchUnit', 'Unit vault.service not found.'),
  badSetting: absent('bad-setting', 'BadUnitSetting', 'Unit vault.service has a bad unit file setting.', 'bad'),
} as const;
export type Shown = keyof typeof SHOWN;

/** The same with the properties by which the driver `systemd` decides; of a unit with a condition on a file. */
const asked = (changes: Record<string, string>) =>
  Object.entries({
    TimeoutStopUSec: '1min 30s',
    MainPID: '0',
    Result: 'success',
    NRestarts: '0',
    ExecMainStatus: '0',
    RootDirectory: '',
    RootImage: '',
    Id: 'vault.service',
    Requires: 'system.slice sysinit.target',
    RequiredBy: '',
    BoundBy: '',
    ConsistsOf: '',
    TriggeredBy: '',
    LoadState: 'loaded',
    ActiveState: 'inactive',
    SubState: 'dead',
    UnitFileState: 'enabled',
    RefuseManualStart: 'no',
    RefuseManualStop: 'no',
    NeedDaemonReload: 'no',
    ConditionResult: 'no',
    AssertResult: 'no',
    ConditionTimestampMonotonic: '0',
    AssertTimestampMonotonic: '0',
    LoadError: '',
    StartLimitIntervalUSec: '10s',
    StartLimitBurst: '5',
    InvocationID: '',
    ...changes,
  })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');

const STARTED = {
  ConditionResult: 'yes',
  AssertResult: 'yes',
  ConditionTimestampMonotonic: '79370434430',
  AssertTimestampMonotonic: '79370434439',
  InvocationID: '71a83e4768b048aa9389a320dacf3e6f',
};

export const ASKED = {
  neverStarted: asked({}),
  skipped: asked({ ConditionTimestampMonotonic: '79370371451' }),
  running: asked({ ...STARTED, ActiveState: 'active', SubState: 'running', MainPID: '87' }),
  stopped: asked({ ...STARTED, ExecMainStatus: '15' }),
  stopping: asked({ ...STARTED, ActiveState: 'deactivating', SubState: 'stop-sigterm', MainPID: '87' }),
  starting: asked({ ...STARTED, ActiveState: 'activating', SubState: 'start', MainPID: '87' }),
  betweenStarts: asked({
    ...STARTED,
    ActiveState: 'activating',
    SubState: 'auto-restart',
    Result: 'exit-code',
    ExecMainStatus: '7',
  }),
  failed: asked({
    ...STARTED,
    ActiveState: 'failed',
    SubState: 'failed',
    Result: 'exit-code',
    ExecMainStatus: '7',
  }),
  held: asked({ ...STARTED, AssertResult: 'no' }),
  needsDisk: asked({ Requires: 'system.slice sysinit.target -.mount opt-vault.mount' }),
  masked: asked({ LoadState: 'masked', UnitFileState: 'masked-runtime' }),
  notFound: asked({ LoadState: 'not-found', UnitFileState: '' }),
  badSetting: asked({
    LoadState: 'bad-setting',
    LoadError: 'org.freedesktop.systemd1.BadUnitSetting "Unit vault.service has a bad unit file setting."',
  }),
  related: asked({ ...STARTED, BoundBy: 'vault-proxy.service', TriggeredBy: 'vault.timer vault.socket' }),
} as const;
