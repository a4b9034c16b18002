import type { Objective, RtoObjective } from '../contract/objectives';
import type { ReadinessVerdict, ReadinessCheck } from '../contract/readiness';
import type { RunRecipient } from '../contract/recovery';
import type { SharePurpose } from '../contract/recipients';
import type { CommandText } from '../contract/voice/commands';
import type { Headline, Tone } from '../contract/voice/headline';
import type { OpenChecks } from '../contract/voice/readiness-text';
import type { ReportText } from '../contract/voice/report-text';
import type { RunText } from '../contract/voice/run-text';
import type { HolderPageData } from './holder-data';

/**
 * What the pages show: facts of queries and storage, in the words of the CLI. The server makes it, the pages lay it out,
 * and it crosses the wire as JSON. Times are RFC 3339, UTC.
 */
export type PageModel = OverviewModel | ClusterModel | RunModel | HolderModel;

interface Page {
  /** When it was gathered. */
  at: string;
  /** Sources that did not answer: what they would have said is unknown, and not a no. */
  problems: string[];
  /** Who looks at it; null: nobody is logged in. */
  viewer: { name: string; roles: Role[] } | null;
  /** Where one logs in, or the button that logs out; null: there is no login. */
  session: { logIn: string } | { logOut: Action } | null;
}

/** A page that says one thing: no such page, not allowed, what became of an action. It is not live. */
export interface MessageModel extends Page {
  page: 'message';
  title: string;
  tone: Tone;
  text: string[];
  /** Where to go from it. */
  next: { label: string; href: string } | null;
  /** What is asked once more before it happens. */
  confirm: Action | null;
}

/** Everything that can be laid out. */
export type ShownModel = PageModel | MessageModel;

export interface OverviewModel extends Page {
  page: 'overview';
  clusters: ClusterRow[];
}

/** What one may do. Everybody who may open the pages may look. */
export const ROLES = ['viewer', 'operator', 'approver', 'holder'] as const;
export type Role = (typeof ROLES)[number];

export interface ClusterRow {
  cluster: string;
  /** Null: never evaluated, or unknown; then `problems` of the row says which. */
  verdict: ReadinessVerdict | null;
  /** As `vault-dr ready` begins. */
  headline: string;
  /** What is not a yes, what says no first. */
  open: OpenChecks[];
  evaluatedAt: string | null;
  rpo: Objective | null;
  rto: RtoObjective | null;
  newest: { generation: string; capturedAt: string; copies: CopyPlace[] } | null;
  lastDrill: { at: string; passed: boolean } | null;
  lastRollCall: { at: string; proven: number; needed: number } | null;
  /** What runs now, what waits for people first. */
  running: RunLine[];
  problems: string[];
}

export interface CopyPlace {
  repository: string;
  /** Until when it can't be removed; `none`: it can be removed now; `unknown` where nobody asked or answered. */
  lock: { until: string } | 'held' | 'none' | 'unknown';
}

export const RUN_KINDS = ['recovery', 'backup', 'drill', 'roll-call', 'secrets', 'evaluation', 'guard'] as const;
export type RunKind = (typeof RUN_KINDS)[number];

/** A run in one line. */
export interface RunLine {
  kind: RunKind;
  cluster: string;
  workflowId: string;
  run: string;
  startedAt: string;
  endedAt: string | null;
  /** By Temporal: `RUNNING`, `COMPLETED` … */
  execution: string;
  headline: string;
  tone: Tone;
  /** Whom it waits for; null: nobody. */
  waitsFor: string | null;
  /** In Temporal's Web UI; null if its address is not configured. */
  temporalUi: string | null;
}

export interface ClusterModel extends Page {
  page: 'cluster';
  row: ClusterRow;
  /** Oldest first. */
  backups: BackupPoint[];
  /** Newest first. */
  recoveryTimes: RecoveryTime[];
  checks: ReadinessCheck[];
  schedules: { what: string; everySeconds: number | null; paused: boolean; next: string | null }[];
  /** Newest first, running or ended. */
  runs: RunLine[];
  actions: Action[];
}

export interface BackupPoint {
  generation: string;
  capturedAt: string;
  sizeBytes: number;
  keys: number | null;
  copies: string[];
  drilled: boolean;
  pinned: boolean;
}

export interface RecoveryTime {
  at: string;
  by: 'restore' | 'drill';
  machineSeconds: number;
  peopleSeconds: number | null;
  passed: boolean;
}

export interface RunModel extends Page {
  page: 'run';
  line: RunLine;
  /** Of a recovery; null for other kinds, which have `facts` and `commands`. */
  text: RunText | null;
  headline: Headline;
  facts: string[];
  commands: CommandText[];
  warnings: string[];
  shares: SharesModel | null;
  approvals: { by: string; at: string }[];
  /** Once it has ended. */
  report: ReportText | null;
  actions: Action[];
}

/** Names, and never more. */
export interface SharesModel {
  required: number;
  accepted: { holder: string; at: string }[];
  refused: { holder: string; reason: string }[];
  until: string | null;
}

/** The page of a key holder, for one run that wants shares or has wanted them. */
export interface HolderModel extends Page {
  page: 'holder';
  cluster: string;
  purpose: SharePurpose;
  workflowId: string;
  run: string;
  phase: string;
  /** Whether shares are taken now. */
  waiting: boolean;
  /** Why not; said as it is to the holder: `Your share is not needed any more.` */
  over: string | null;
  recipients: RunRecipient[];
  shares: SharesModel | null;
  /** Of the server's own configuration: what the browser verifies the recipients with. */
  keys: HolderPageData;
  /** Of the page without a network made from that configuration; null if none can be made. */
  offlineSha256: string | null;
  /** Where an envelope is handed in: fields `holder` and `share`, and fixed ones. Null: not by who looks. */
  submit: Action | null;
}

/** What an action answers with if JSON is accepted, whatever the status. */
export interface ActionAnswer {
  ok: boolean;
  /** `Accepted 2 of 3.`, or why not. */
  text: string;
  advice: string | null;
}

/**
 * A button, made by the server for who looks. The page sends the fields to `POST path`, as a form. A grave one is answered by
 * a page that says what will happen and asks once more.
 */
export interface Action {
  name: string;
  path: string;
  label: string;
  /** What will happen, in a sentence. */
  explanation: string;
  /** It changes data, stops something, or can't be undone. */
  grave: boolean;
  fields: ActionField[];
}

export interface ActionField {
  name: string;
  label: string;
  hint: string | null;
  /** `fixed` is seen and sent; `hidden` is sent; `shown` is seen in full, can be copied, and is not sent. */
  kind: 'text' | 'choice' | 'multiline' | 'fixed' | 'hidden' | 'shown';
  value: string;
  choices: string[];
  required: boolean;
}
