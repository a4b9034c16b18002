import { z } from 'zod';
import type { AuditFinding } from '../audit/audit-findings';
import type { OtherTrail } from '../audit/other-trails';
import type { BackupProgress, BackupResult, CopyFailure, PublishedCopy, RetentionReport } from '../contract/backup';
import { BACKUP_PHASES } from '../contract/backup';
import { FAILURES } from '../contract/failures';
import type { PendingStep } from '../contract/pending-step';
import {
  MISSING_REASONS,
  type MissingItem,
  RECOVER_KINDS,
  type Recovered,
  RECOVERED_FORMAT,
  type SecretVersion,
  VERSION_STATES,
  WRITE_OUTCOMES,
  type WriteChange,
} from '../contract/recovered';
import type { MetError, Parked, RecoveryProgress, RecoveryReport, Retrying, StepProblem } from '../contract/recovery';
import {
  type PathRead,
  SECRET_STEPS,
  type SecretPlan,
  type SecretProgress,
  type SecretReport,
} from '../contract/secret-run';
import type { KitContents } from '../contract/kit';
import { givenApproval } from '../contract/step-input/approval';
import { content, method } from '../contract/step-input/content';
import {
  checkLevel,
  encryption,
  fileDigest,
  generationCopy,
  leaseCount,
  manifest,
  raftPeer,
  reach,
  sealConfig,
} from '../contract/step-input/generation';
import { metError, parked, recoveryReport, retrying, runRecipient, shareProgress } from '../contract/step-input/report';
import { count, flag, listOf, name, oneOf, span, strict, text, texts, time } from '../contract/step-input/values';
import type { Answer } from '../contract/update-answers';
import { type EvidenceDocument, evidenceSchema } from '../evidence/schema';
import type { ChannelResult } from '../notify/deliver';
import type { Drilled } from '../repository/keep/drills';
import type { Stray } from '../repository/strays';
import type { Repair } from '../repository/repair';
import { DRILL_CHECKS, DRILL_STEPS, type DrillProgress, type DrillReport, type DrillResult } from '../contract/drill';
import { DRILL_LEVELS, DRILL_PHASES, type DrillLevel } from '../contract/drill-levels';
import {
  HOLDER_OUTCOMES,
  KEY_KINDS,
  ROLL_CALL_STEPS,
  type RollCallProgress,
  type RollCallReport,
  type RollCallStanding,
} from '../contract/roll-call';
import type { Objective, RtoObjective } from '../contract/objectives';
import { READINESS_CHECKS, READINESS_VERDICTS, type ReadinessCheck, type ReadinessReport } from '../contract/readiness';
import { servingState } from '../contract/guard';
import { GUARD_CHECKS } from '../contract/guard-checks';
import { GUARD_OUTCOMES } from '../guard/outcome';
import type { GuardFinding } from '../guard/refusal';
import type { GuardSummary } from '../guard/summary';
import { SHARE_OUTCOMES } from '../contract/share-outcome';
import type { Notice, Noted } from './notices';

/*
 * Shapes of what commands print with --json, for `schemas/cli/` and for tests. A field may be added; none is renamed, removed,
 * or given another meaning. Read `docs/json.md`.
 */

// Any string.
const any = z.string();
const pageKeys = z.array(z.strictObject({ name: z.string(), fingerprint: z.string() }));

// Of the message next to it.
const notice = any.nullable();
const noted = <T extends { problem: string }>(item: z.ZodType<T>) =>
  (item as unknown as z.ZodObject).extend({ notice }) as unknown as z.ZodType<Noted<T>>;
interface Notices {
  notices: Notice[];
}
type RunDocument<T extends RecoveryProgress> = T & Notices & { parked: Noted<Parked>[]; errors: Noted<MetError>[] };
const notices = listOf(strict<Notice>({ code: any, text }), 100_000);

const notedFields = {
  parked: listOf(noted<Parked>(parked)),
  errors: listOf(noted<MetError>(metError), 100_000),
  retrying: listOf(noted<Retrying>(retrying)).optional(),
  notices,
};
const reportDocument = (recoveryReport as unknown as z.ZodObject).extend(notedFields);
const reportFields = reportDocument.shape as unknown as Record<keyof RecoveryProgress, z.ZodType>;
const copyFailure = noted(strict<CopyFailure>({ repository: any, code: any, problem: text }));
const publishedCopy = strict<PublishedCopy>({ repository: any, check: checkLevel, stored: fileDigest });
const recoverKind = z.enum(RECOVER_KINDS);
const vaultFields = z.record(z.string(), z.unknown());
const recoveredSecret = z.strictObject({
  kind: z.literal('secret'),
  path: any,
  mount: any,
  engineVersion: z.union([z.literal(1), z.literal(2)]),
  metadata: vaultFields.nullable(),
  versions: z.array(
    strict<SecretVersion>({
      version: count.nullable(),
      state: z.enum(VERSION_STATES),
      createdAt: any.nullable(),
      deletedAt: any.nullable(),
      data: vaultFields.nullable(),
    }),
  ),
});
const recoveredPolicy = z.strictObject({ kind: z.literal('policy'), path: any, name: any, policy: any });
const recoveredRole = z.strictObject({
  kind: z.literal('role'),
  path: any,
  type: any,
  fields: vaultFields,
  roleId: any.nullable(),
  notReadable: text.nullable(),
});
const recoveredMount = z.strictObject({
  kind: z.literal('mount'),
  path: any,
  type: any,
  settings: vaultFields,
  tune: vaultFields,
  config: vaultFields.nullable(),
});
const writeBack = z
  .strictObject({
    written: flag,
    changes: z.array(
      strict<WriteChange>({
        path: any,
        to: any,
        kind: recoverKind,
        versions: z.array(count),
        liveVersion: count.nullable(),
        outcome: z.enum(WRITE_OUTCOMES),
        checkAndSet: flag,
      }),
    ),
  })
  .nullable();
const versionsRead = z.array(
  z.strictObject({ version: count.nullable(), state: z.enum(VERSION_STATES), recovered: flag }),
);
const secretPlanDocument = strict<SecretPlan>({
  method: z.literal('secret'),
  cluster: name,
  generation: any,
  manifestSha256: any,
  paths: z.array(any),
  versions: z.union([z.enum(['latest', 'all']), count]),
  deleted: flag,
  recipients: z.array(any),
  approvals: count,
  trust: z.literal('approvers'),
});
const secretApprovals = listOf(givenApproval);
const retentionReport = strict<RetentionReport>({
  repository: any,
  kept: count,
  removed: listOf(any),
  keptLocked: listOf(any),
  failed: listOf(z.strictObject({ generation: any, problem: text })),
  warnings: texts,
});
const unanswered = z.array(z.strictObject({ repository: any, problem: text }));
const auditFindings = z.array(
  strict<AuditFinding>({
    line: count,
    severity: oneOf<AuditFinding['severity']>({ incident: true, notice: true }),
    text,
  }),
);
const unreadable = z.array(
  z.strictObject({ repository: any, generation: any, problem: text, retryable: flag.optional() }),
);
const trouble = { unreadable, unanswered, warnings: texts, notices };

const backupProgress = z.strictObject({
  execution: any,
  cluster: name,
  run: any,
  phase: z.enum(BACKUP_PHASES),
  method: method.optional(),
  generation: any.nullable(),
  copies: listOf(publishedCopy),
  missing: listOf(copyFailure),
  warnings: texts,
  notices,
}) satisfies z.ZodType<BackupProgress & { execution: string }>;

const recoveryProgress = z.strictObject({
  execution: any,
  cluster: reportFields.cluster,
  run: reportFields.run,
  method: reportFields.method,
  requestedBy: reportFields.requestedBy,
  status: reportFields.status,
  phase: reportFields.phase,
  waitingFor: reportFields.waitingFor,
  escalatesAt: reportFields.escalatesAt,
  startedAt: reportFields.startedAt,
  nodes: reportFields.nodes,
  phases: reportFields.phases,
  plan: reportFields.plan,
  planHash: reportFields.planHash,
  planValidUntil: reportFields.planValidUntil,
  approvals: reportFields.approvals,
  recipients: reportFields.recipients,
  shares: reportFields.shares,
  parked: reportFields.parked,
  errors: reportFields.errors,
  retrying: reportFields.retrying,
  rollBack: reportFields.rollBack,
  live: reportFields.live,
  copied: reportFields.copied,
  notices,
  pending: z.array(
    strict<PendingStep>({
      step: any,
      node: any.nullable(),
      state: oneOf<PendingStep['state']>({ waiting: true, running: true, 'backing off': true }),
      attempts: count,
      since: time,
      nextAttemptAt: time.nullable(),
      failure: noted(strict<StepProblem>({ code: any, problem: text, advice: text.nullable() })).nullable(),
      says: text.nullable(),
    }),
  ),
}) as unknown as z.ZodType<RunDocument<RecoveryProgress> & { execution: string; pending: PendingStep[] }>;

const backupResult = strict<BackupResult & Notices>({
  cluster: name,
  generation: any,
  capturedAt: time,
  raftIndex: count,
  content: content.optional(),
  sizeBytes: count,
  sha256: any,
  encryption: encryption.method,
  copies: listOf(publishedCopy),
  missing: listOf(copyFailure),
  caughtUp: listOf(z.strictObject({ repository: any, generation: any })),
  retention: listOf(retentionReport),
  warnings: texts,
  notices,
});

const drillPhase = z.strictObject({ phase: z.enum(DRILL_PHASES), milliseconds: count });
const drilled = z.strictObject({
  at: time,
  run: any,
  generation: any,
  manifestSha256: any,
  repository: any,
  level: z.enum(DRILL_LEVELS).nullable().describe('What was proved; null: not even that the copy can be decrypted.'),
  failed: z.strictObject({ phase: any, code: any, against: any }).nullable().describe('Null: it passed.'),
  serverVersion: any.nullable(),
  phases: z.array(drillPhase),
} satisfies Record<keyof Drilled, z.ZodType>) as unknown as z.ZodType<Drilled>;

const keyCount = { count, bytes: count };
const value = z.union([any, z.number()]).nullable();
const side = z.strictObject({ generation: any, capturedAt: time });
const entry = z.strictObject({
  code: any,
  title: text,
  means: text,
  todo: z.array(text),
  acceptable: flag,
  link: any,
});

const drillFields = {
  cluster: name,
  level: oneOf<DrillLevel>({ fetched: true, installed: true, restored: true }),
  generation: any,
  repository: any,
  serverVersion: any.nullable(),
  targets: count,
  unresolved: texts,
  canary: z.enum(['read', 'not checked']).nullable(),
  canaryProblem: text.nullable(),
  leases: z.strictObject({ leases: count, staticRoles: count, problem: text.nullable() }).optional(),
  shares: z.array(z.enum(SHARE_OUTCOMES)).optional(),
  checks: listOf(
    z.strictObject({ check: z.enum(DRILL_CHECKS), outcome: z.enum(['passed', 'not checked']), detail: text }),
  ),
  phases: z.array(drillPhase),
} as const;

const sandboxProgress = {
  execution: any,
  cluster: name,
  run: any,
  workflowId: any,
  requestedBy: any,
  startedAt: time,
  generation: any.nullable(),
  host: any.nullable(),
  recipients: listOf(runRecipient),
  shares: shareProgress.nullable(),
  sharesUntil: time.nullable(),
  warnings: texts,
} as const;
const rollCallRecord = {
  generation: any,
  manifestSha256: any,
  repository: any,
  keys: z.enum(KEY_KINDS),
  shares: count.describe('Of the seal.'),
  threshold: count,
  holders: z.array(z.strictObject({ holder: any, outcome: z.enum(HOLDER_OUTCOMES), shares: count })),
} as const;
const standing = {
  wanted: count.describe('How many shares should be proved: one more than the threshold.'),
  proven: count,
  enough: flag,
  everyDays: z.number(),
  holders: z.array(
    z.strictObject({
      holder: any,
      outcome: z.enum([...HOLDER_OUTCOMES, 'never called']),
      provenAt: time.nullable(),
      counts: flag,
    }),
  ),
} as const;

const verdict = z.enum(READINESS_VERDICTS);
const guardFindings = z.array(
  strict<GuardFinding>({ check: z.enum(GUARD_CHECKS), verdict, seen: text, remedy: text.nullable() }),
);
const againstTarget = {
  targetSeconds: span.nullable().describe('Null: none is configured.'),
  expectedSeconds: span.nullable().describe('Null: unknown.'),
};
const objective = strict<Objective>(againstTarget);
const rtoObjective = strict<RtoObjective>({
  ...againstTarget,
  machineSeconds: span.nullable().describe('Null: nothing was measured.'),
  measuredBy: z.enum(['restores', 'drills']).nullable(),
  peopleSeconds: span.nullable().describe('Null: unknown.'),
});

const contents = {
  sha256: any.describe('Of all parts together. The newest backup and dates of roll-calls are no part.'),
  parts: z.record(any, any).describe('SHA-256 of what each part says.'),
};

export const DOCUMENTS = {
  error: z.strictObject({
    error: z.strictObject({
      code: z.enum(Object.keys(FAILURES) as [keyof typeof FAILURES]),
      notice: any.nullable(),
      message: text,
      where: text.nullable(),
      advice: text.nullable(),
      link: any,
      notices,
    }),
    exitCode: count,
  }),
  answer: strict<Answer & { notice: string | null }>({ accepted: flag, notice: any.nullable(), message: text }),
  started: z.strictObject({ workflowId: any }),
  'recovery-progress': recoveryProgress,
  'recovery-report': reportDocument as unknown as z.ZodType<RunDocument<RecoveryReport>>,
  'backup-result': backupResult,
  'backup-progress': backupProgress,
  'backups-list': z.strictObject({
    copies: z.array(generationCopy),
    complete: flag.describe('Whether there are no older backups; see --limit and --all.'),
    pinned: z.array(z.strictObject({ generation: any, by: any, reason: any })),
    drills: z.array(drilled).describe('The last one of each backup.'),
    strays: z.array(strict<Stray>({ repository: any, place: any, sizeBytes: count, storedAt: any })),
    ...trouble,
  }),
  'backups-show': z.strictObject({
    method,
    manifest,
    copies: z.array(any),
    drills: z.array(drilled).describe('Newest first.'),
    notices,
  }),
  'backups-verify': z.strictObject({
    results: z.array(
      z.strictObject({ generation: any, method, repository: any, check: any, problem: text.nullable() }),
    ),
    repairs: z.array(
      strict<Repair>({
        generation: any,
        repository: any,
        outcome: oneOf<Repair['outcome']>({ added: true, 'in the way': true, failed: true }),
        problem: text.nullable(),
      }),
    ),
    chain: z.array(z.strictObject({ kind: any, severity: any, generation: any, text })),
    ...trouble,
  }),
  'backups-diff': z.strictObject({
    cluster: name,
    from: side,
    to: side,
    changes: z.array(
      z.strictObject({
        what: any,
        item: any.nullable(),
        from: value,
        to: value,
        difference: z.number().nullable(),
      }),
    ),
  }),
  'backups-import': z.strictObject({
    files: z.array(
      z.union([
        z.strictObject({
          file: any,
          outcome: z.enum(['imported', 'already there']),
          generation: any,
          capturedAt: time,
          capturedAtBy: z.enum(['operator', 'name', 'file', 'vault-dr']),
          serverVersion: any.nullable(),
          maker: any.nullable(),
          copies: z.array(any),
          missing: unanswered,
          warnings: texts,
          notices,
        }),
        z.strictObject({ file: any, outcome: z.enum(['no snapshot', 'failed']), code: any, problem: text }),
      ]),
    ),
  }),
  'backups-prune': z.strictObject({
    repositories: z.array(
      z.strictObject({
        repository: any,
        plan: z.strictObject({
          keep: z.array(z.strictObject({ generation: any, why: text })),
          remove: z.array(any),
          locked: z.array(any),
        }),
        done: retentionReport.nullable(),
        problem: text.nullable(),
      }),
    ),
    ...trouble,
  }),
  'backups-pin': z.strictObject({ generation: any, pinned: z.array(any), unanswered }),
  'backups-unpin': z.strictObject({ generation: any, unpinned: z.array(any), unanswered }),
  bundle: z.strictObject({
    generation: any,
    node: any,
    files: z.array(z.strictObject({ path: any, type: any, differences: z.array(text) })),
    unsigned: text.nullable(),
    refused: z.array(text),
    written: z.array(any).optional(),
    kept: z.array(any).optional(),
  }),
  'bundle-fetch': z.strictObject({ generation: any, node: any, repository: any, to: any }),
  recover: z.strictObject({
    cluster: name,
    generation: any,
    repository: any,
    serverVersion: any.nullable(),
    items: z.array(
      z.strictObject({
        path: any,
        kind: recoverKind,
        versions: versionsRead,
        notReadable: text.nullable(),
      }),
    ),
    missing: z.array(strict<MissingItem>({ path: any, reason: z.enum(MISSING_REASONS), problem: text })),
    file: any.nullable(),
    sealed: text.nullable(),
    writeBack,
  }),
  'recover-report': strict<SecretReport & { file: string | null; writeBack: z.output<typeof writeBack> }>({
    cluster: name,
    run: any,
    requestedBy: any,
    startedAt: time,
    finishedAt: time,
    plan: secretPlanDocument,
    planHash: any,
    approvals: secretApprovals,
    host: any,
    repository: any,
    clusterId: any.nullable(),
    serverVersion: any.nullable(),
    paths: z.array(
      strict<PathRead>({
        path: any,
        items: count,
        versions: versionsRead,
        missing: z.enum(MISSING_REASONS).nullable(),
      }),
    ),
    sealed: text,
    signature: any,
    machineSeconds: span,
    humanSeconds: span,
    warnings: texts,
    file: any.nullable(),
    writeBack,
  }),
  'recover-progress': strict<SecretProgress & { execution: string }>({
    execution: any,
    cluster: name,
    run: any,
    kind: z.literal('recover'),
    workflowId: any,
    requestedBy: any,
    startedAt: time,
    step: z.enum(SECRET_STEPS),
    generation: any.nullable(),
    plan: secretPlanDocument.nullable(),
    planHash: any.nullable(),
    planValidUntil: time.nullable(),
    capturedAt: time.nullable(),
    clusterId: any.nullable(),
    approvals: secretApprovals,
    host: any.nullable(),
    recipients: listOf(runRecipient),
    shares: shareProgress.nullable(),
    sharesUntil: time.nullable(),
    warnings: texts,
  }),
  recovered: strict<Recovered>({
    format: z.literal(RECOVERED_FORMAT),
    cluster: name,
    generation: any,
    capturedAt: time,
    items: z.array(z.discriminatedUnion('kind', [recoveredSecret, recoveredPolicy, recoveredRole, recoveredMount])),
  }),
  drill: strict<DrillResult & { cluster: string; marked: string[] }>({
    ...drillFields,
    marked: z.array(any).describe('Repositories in which a signed mark says so; none without the signing key.'),
  }),
  'drill-report': strict<DrillReport>({
    ...drillFields,
    run: any,
    requestedBy: any,
    startedAt: time,
    finishedAt: time,
    host: any,
    machineSeconds: span,
    humanSeconds: span,
    notProved: text.nullable(),
    warnings: texts,
  }),
  'drill-progress': strict<Omit<DrillProgress, 'kind'> & { execution: string }>({
    ...sandboxProgress,
    step: z.enum(DRILL_STEPS),
  }),
  'roll-call-report': strict<RollCallReport>({
    ...rollCallRecord,
    cluster: name,
    run: any,
    requestedBy: any,
    startedAt: time,
    finishedAt: time,
    host: any,
    serverVersion: any.nullable(),
    sets: count.describe('How many sets of shares were tried.'),
    standing: z.strictObject(standing),
    marked: z.array(any).describe('Repositories in which a signed mark says so; none without the signing key.'),
    phases: z.array(drillPhase),
    notProved: text.nullable(),
    warnings: texts,
  }),
  'roll-call-standing': strict<RollCallStanding & { cluster: string; lastAt: string | null }>({
    cluster: name,
    lastAt: time.nullable(),
    ...standing,
  }),
  'roll-call-progress': strict<RollCallProgress & { execution: string }>({
    ...sandboxProgress,
    kind: z.literal('roll-call'),
    step: z.enum(ROLL_CALL_STEPS),
  }),
  readiness: strict<ReadinessReport>({
    cluster: name,
    run: any,
    requestedBy: any,
    startedAt: time,
    evaluatedAt: time.describe('When the facts were weighed.'),
    verdict: verdict.describe('`no` if one check says so; else `unchecked` if one says that.'),
    backup: z
      .strictObject({ generation: any, capturedAt: time, copies: z.array(any) })
      .nullable()
      .describe('What a restore would load.'),
    rpo: objective.describe('How old the data of a restore would be.'),
    rto: rtoObjective.optional().describe('How long a restore would take.'),
    checks: z.array(
      strict<ReadinessCheck>({
        check: z.enum(READINESS_CHECKS),
        verdict,
        seen: text,
        remedy: text.nullable().describe('What to do; null with a yes.'),
      }),
    ),
    kit: strict<KitContents>(contents).optional().describe('What a break-glass kit says now.'),
  }),
  kit: z.strictObject({
    cluster: name,
    code: any.describe('The beginning of `sha256`; it stands on each page.'),
    ...contents,
    backup: any.nullable().describe('The newest one that could be read, on whose description the steps depend.'),
    files: z.array(any).describe('Empty without --directory.'),
    text,
  }),
  guard: strict<GuardSummary>({
    cluster: name,
    requestedBy: any,
    outcome: z.enum(GUARD_OUTCOMES),
    exitCode: z.int().describe('Of this command; if the gate was passed, that of the command that was run.'),
    readiness: z.strictObject({ verdict, evaluatedAt: time }).nullable(),
    refused: guardFindings.describe('Checks that kept the command from being run.'),
    accepted: guardFindings.describe('Checks that were not passed, and accepted by name.'),
    backup: z
      .strictObject({ generation: any, capturedAt: time, verifiedIn: z.array(any), pinnedIn: z.array(any) })
      .nullable(),
    command: z
      .strictObject({
        program: any,
        startedAt: time,
        endedAt: time,
        exitCode: z.int().nullable(),
        signal: any.nullable(),
      })
      .nullable()
      .describe('Its arguments are kept nowhere.'),
    gate: z.strictObject({ passed: flag, gaps: texts }).nullable(),
    before: servingState.nullable(),
    after: servingState.nullable(),
    wayBack: any.nullable().describe('The command that restores the pinned backup.'),
  }),
  inspect: z.strictObject({
    file: any,
    encryption: encryption.method,
    archive: fileDigest,
    raft: z.strictObject({ index: count, term: count, peers: z.array(raftPeer) }),
    seal: sealConfig,
    recoveryConfig: sealConfig.nullable(),
    keys: z.strictObject({ ...keyCount, byPrefix: z.record(any, z.strictObject(keyCount)) }),
    leases: leaseCount,
    reach,
    newestVersion: any.nullable(),
    ownSeals: z.array(any),
    requiredKeys: z.array(any),
    dataDirectory: z
      .strictObject({
        storage: z.enum(['raft', 'file']),
        nodeId: any.nullable(),
        files: count,
        bytes: count,
        leftOut: texts,
        lastLogIndex: count.nullable(),
        lastLogTerm: count.nullable(),
      })
      .optional(),
  }),
  'repository-check': z.strictObject({
    repository: any,
    kind: z.enum(['directory', 's3']),
    capabilities: z.array(
      z.strictObject({
        capability: any,
        found: text,
        verdict: z.enum(['ok', 'weaker', 'broken', 'unknown']),
        promise: text,
      }),
    ),
    leftovers: texts,
  }),
  'notify-test': z.strictObject({
    channels: z.array(
      strict<ChannelResult>({ channel: any, type: any, delivered: flag, answer: text, advice: text.nullable() }),
    ),
  }),
  'audit-verify': z.strictObject({
    file: any,
    records: count,
    head: any.nullable(),
    problems: z.array(z.strictObject({ line: count, problem: text })),
    findings: auditFindings,
    others: z.array(
      strict<OtherTrail>({
        controller: any,
        trail: any,
        records: count,
        behind: count,
        problems: texts,
        findings: auditFindings,
      }),
    ),
    heads: z.strictObject({ compared: flag, matching: count, problems: texts, unanswered }),
  }),
  evidence: evidenceSchema as z.ZodType<EvidenceDocument>,
  schedule: z.strictObject({
    scheduleId: any,
    outcome: z.enum(['created', 'updated']),
    everySeconds: count,
    jitterSeconds: count,
  }),
  'agent-key': z.strictObject({ node: any, agentPublicKey: any }),
  'holder-page': z.strictObject({ cluster: name, file: any, sha256: any, nodes: pageKeys, sandboxHosts: pageKeys }),
  'sandbox-key': z.strictObject({ sandboxHosts: z.record(name, z.strictObject({ publicKey: any })) }),
  'enrol-invite': z.strictObject({ cluster: name, node: name, token: any, expires: time }),
  'enrol-list': z.strictObject({
    invites: z.array(
      z.strictObject({
        cluster: name,
        node: name,
        expires: time,
        state: z.enum(['invited', 'waiting', 'confirmed', 'expired']),
        fingerprint: any.nullable(),
        host: any.nullable(),
      }),
    ),
  }),
  'enrol-confirm': z.strictObject({
    cluster: name,
    nodes: z.array(z.strictObject({ node: name, fingerprint: any })),
    config: any,
    changed: flag,
    backup: any.nullable(),
  }),
  'enrol-accept': z.strictObject({ cluster: name, node: name, fingerprint: any, config: any, changed: flag }),
  doctor: z.strictObject({
    part: z.enum(['controller', 'agent']),
    host: any,
    ok: flag,
    findings: z.array(
      z.strictObject({
        code: any.nullable(),
        severity: z.enum(['problem', 'warning', 'unchecked']),
        where: any,
        text,
        fix: any.nullable(),
      }),
    ),
  }),
  temporal: z.strictObject({
    data: any,
    port: count,
    uiPort: count,
    namespace: any,
    listen: z.strictObject({ address: any, port: count }).nullable(),
    address: any,
    log: any,
    pid: count,
  }),
  'lab-up': z.strictObject({
    directory: any,
    config: any,
    temporalAddress: any,
    temporalUi: any,
    s3Endpoint: any,
    nodes: z.array(z.strictObject({ name: any, address: any })),
  }),
  'lab-down': z.strictObject({ directory: any, ended: z.literal(true) }),
  explain: entry,
  'explain-list': z.array(z.strictObject({ family: any, entries: z.array(entry) })),
} as const;

export type DocumentName = keyof typeof DOCUMENTS;
export type Document<N extends DocumentName> = z.input<(typeof DOCUMENTS)[N]>;

const RECOVERY = ['recovery-report', 'started'] as const;

/** What each command may print on success; on failure it prints an `error`. */
export const DOCUMENTS_OF: Record<string, readonly DocumentName[]> = {
  status: [
    'recovery-progress',
    'recovery-report',
    'backup-progress',
    'backup-result',
    'drill-progress',
    'drill-report',
    'roll-call-progress',
    'roll-call-report',
    'recover-progress',
    'recover-report',
  ],
  restore: RECOVERY,
  'recover-quorum': RECOVERY,
  'rebuild-node': RECOVERY,
  'remove-set-aside': RECOVERY,
  'migrate-storage': RECOVERY,
  'roll-back': ['answer', ...RECOVERY],
  resume: ['answer'],
  'skip-node': ['answer'],
  'go-live': ['answer'],
  abort: ['answer'],
  approve: ['answer'],
  unseal: ['answer'],
  'holder-page': ['holder-page'],
  report: ['recovery-report'],
  backup: ['backup-result'],
  'backups list': ['backups-list'],
  'backups show': ['backups-show'],
  'backups verify': ['backups-verify'],
  'backups diff': ['backups-diff'],
  'backups import': ['backups-import'],
  'backups prune': ['backups-prune'],
  'backups pin': ['backups-pin'],
  'backups unpin': ['backups-unpin'],
  'bundle show': ['bundle'],
  'bundle restore': ['bundle'],
  'bundle fetch': ['bundle-fetch'],
  // The last is what the encrypted result holds.
  recover: ['recover', 'recover-report', 'recovered'],
  drill: ['drill', 'drill-report'],
  guard: ['guard'],
  ready: ['readiness'],
  'roll-call': ['roll-call-report', 'roll-call-standing', 'started'],
  inspect: ['inspect'],
  kit: ['kit'],
  'repository check': ['repository-check'],
  'notify test': ['notify-test'],
  'audit verify': ['audit-verify'],
  evidence: ['evidence'],
  'schedule apply': ['schedule'],
  'agent-key': ['agent-key'],
  'sandbox-key': ['sandbox-key'],
  'enrol invite': ['enrol-invite'],
  'enrol list': ['enrol-list'],
  'enrol confirm': ['enrol-confirm'],
  'enrol accept': ['enrol-accept'],
  doctor: ['doctor'],
  temporal: ['temporal'],
  'lab up': ['lab-up'],
  'lab down': ['lab-down'],
  explain: ['explain', 'explain-list'],
};
