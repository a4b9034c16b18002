import { notice, type NoticeCode } from './notice';

/**
 * The closed set of things that can go wrong. Workflows and the CLI decide on the code, never on the text.
 * `retryable` says whether the same attempt may succeed later without anybody changing anything.
 */
export const FAILURES = {
  InvalidInput: { retryable: false },
  InvalidConfiguration: { retryable: false },
  UnknownCluster: { retryable: false },
  UnknownGeneration: { retryable: false },
  NotInBackup: { retryable: false },
  ClusterUnhealthy: { retryable: true },
  AuthenticationFailed: { retryable: true },
  PermissionDenied: { retryable: false },
  VaultUnavailable: { retryable: true },
  VaultRefused: { retryable: false },
  SnapshotIncomplete: { retryable: true },
  SnapshotCorrupt: { retryable: true },
  StagingLost: { retryable: false },
  DiskFull: { retryable: true },
  RepositoryUnavailable: { retryable: true },
  RepositoryConflict: { retryable: false },
  CopyDamaged: { retryable: false },
  SignatureInvalid: { retryable: false },
  DecryptionFailed: { retryable: false },
  NotApproved: { retryable: false },
  NodeFenced: { retryable: false },
  NodeUnsafe: { retryable: false },
  ServiceFailed: { retryable: true },
  IdentityLost: { retryable: false },
  RecipientNotAuthentic: { retryable: false },
  ShareRefused: { retryable: false },
  SharesDoNotOpen: { retryable: false },
  DrillRejected: { retryable: false },
  AlreadyRunning: { retryable: false },
  NoSuchRun: { retryable: false },
  OtherVersionNeeded: { retryable: false },
  TemporalUnreachable: { retryable: true },
  AgentUnreachable: { retryable: true },
  NotYet: { retryable: true },
  PlanRefused: { retryable: false },
  Aborted: { retryable: false },
  Internal: { retryable: true },
} as const;

export type FailureCode = keyof typeof FAILURES;

export interface DrErrorOptions {
  /** What the operator should do next, as a sentence. */
  advice?: string;
  /** Node, repository or file. */
  where?: string;
  cause?: unknown;
  /** Default: that of the code. */
  retryable?: boolean;
  /** Entry in the catalogue that says more than that of the code; the message ends with it. */
  notice?: NoticeCode;
}

/** What happened, where, and what to do next. The message must never contain a secret. */
export class DrError extends Error {
  readonly code: FailureCode;
  readonly advice: string | undefined;
  readonly where: string | undefined;
  readonly retryable: boolean;

  constructor(code: FailureCode, message: string, options: DrErrorOptions = {}) {
    super(
      options.notice ? notice(options.notice, message) : message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.name = 'DrError';
    this.code = code;
    this.advice = options.advice;
    this.where = options.where;
    this.retryable = options.retryable ?? FAILURES[code].retryable;
  }
}

/** Checks the name, not the class: the same class may be loaded twice (Jest realms, workflow bundle). */
export function isDrError(error: unknown): error is DrError {
  return error instanceof Error && error.name === 'DrError' && 'code' in error;
}

/** The same failure, not retryable. */
export function withoutRetry(error: DrError, message = error.message): DrError {
  const { code, advice, where } = error;
  return new DrError(code, message, { advice, where, cause: error, retryable: false });
}
