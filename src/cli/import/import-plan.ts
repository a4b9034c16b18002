import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { DrError } from '../../contract/failures';
import {
  type Encryption,
  type FileDigest,
  generationId,
  MANIFEST_FORMAT,
  type ManifestDraft,
} from '../../contract/generation';
import type { Content, FilesystemContent } from '../../contract/method';
import { NAME_PATTERN } from '../../contract/names';
import { printable } from '../../contract/printable';
import { manifest as manifestShape } from '../../contract/step-input/generation';
import { type CapturedAt, capturedAtHint } from '../../repository/import/snapshot-names';
import type { SourceFile } from '../../repository/import/sources';
import type { SnapshotSummary } from '../../vault/snapshot/snapshot-archive';
import type { ArchiveMeta } from '../../vault/archive/format';
import { VERSION } from '../../version';
import { manifestFacts } from '../../vault/snapshot/manifest-facts';

/** Facts that the operator gives. */
export interface Said {
  capturedAt?: string;
  serverVersion?: string;
}

const saidShape = z.object({
  capturedAt: z.iso
    .datetime({ offset: true, error: '--captured-at must be a time such as 2026-11-23T04:00:00Z' })
    .refine((time) => Date.parse(time) <= Date.now(), '--captured-at is in the future')
    .optional(),
  serverVersion: z
    .string()
    .regex(/^\d{1,4}\.\d{1,4}\.\d{1,4}[\w.+-]{0,40}$/, '--server-version must be a version such as 1.21.1')
    .optional(),
});

/** @throws DrError InvalidInput with every problem. */
export function parseSaid(said: Said): Said {
  const { data, error } = saidShape.safeParse(said);
  if (data !== undefined) {
    return {
      ...(data.capturedAt === undefined ? {} : { capturedAt: new Date(data.capturedAt).toISOString() }),
      ...(data.serverVersion === undefined ? {} : { serverVersion: data.serverVersion }),
    };
  }
  const problems = error.issues.map(({ message }) => message).join('; ');
  throw new DrError('InvalidInput', `${problems}. Nothing was imported.`);
}

export function capturedAtOf({ path, modifiedAt }: SourceFile, { capturedAt }: Said, now: Date): CapturedAt {
  return capturedAt === undefined ? capturedAtHint(path, modifiedAt, now) : { at: capturedAt, by: 'operator' };
}

interface Facts {
  cluster: string;
  source: SourceFile;
  said: Said;
  by: string;
  now: Date;
  summary: SnapshotSummary;
  /** Of anything but a Raft snapshot. */
  content?: Content | undefined;
  stored: FileDigest & { file: string };
  encryption: Encryption;
}

/**
 * Facts from the snapshot and the operator; the rest is null.
 * @throws DrError SnapshotCorrupt for content that Vault never writes, and that could harm a screen.
 */
export function importedDraft(facts: Facts): ManifestDraft {
  const { cluster, source, said, by, now, summary, content, stored, encryption } = facts;
  const capturedAt = capturedAtOf(source, said, now);
  const serverVersion = said.serverVersion ?? summary.newestVersion;
  const draft: ManifestDraft = {
    format: MANIFEST_FORMAT,
    generation: generationId(capturedAt.at, summary.raft.index, randomBytes(4).toString('hex')),
    cluster,
    capturedAt: capturedAt.at,
    serverVersion,
    leader: null,
    clusterId: null,
    clusterName: null,
    imported: {
      by,
      at: now.toISOString(),
      from: source.place,
      capturedAtBy: capturedAt.by,
      serverVersionBy: serverVersion === null ? null : said.serverVersion === undefined ? 'snapshot' : 'operator',
    },
    ...(content === undefined ? {} : { content }),
    ...manifestFacts(summary),
    stored,
    ...(summary.ownSeals.length > 0 ? { ownSeals: summary.ownSeals.map((id) => ({ id, path: null })) } : {}),
    credential: null,
    encryption: { method: encryption.method, recipients: encryption.recipients },
    canary: null,
    bundles: [],
    // A later one would be dated before what it follows.
    previous: null,
    warnings: [],
    createdBy: { product: `vault-dr ${VERSION}`, run: `import-${randomBytes(4).toString('hex')}` },
  };
  assertUsual(draft);
  return draft;
}

/** Only the Raft id tells whose data directory it was; nothing tells how far it was behind its leader. */
export function copyContent({ storage, nodeId, files }: ArchiveMeta): FilesystemContent {
  const node = nodeId !== null && NAME_PATTERN.test(nodeId) ? nodeId : 'unknown';
  return { method: 'filesystem', storage, node, nodeId, files, lag: null };
}

/** Otherwise no plan could be made from it, or its manifest not be read back. */
function assertUsual(draft: ManifestDraft): void {
  const { error } = manifestShape.safeParse({ ...draft, sumsSha256: '0'.repeat(64) });
  const [issue] = error?.issues ?? [];
  if (issue) throw unusual(printable(`${issue.path.join('.')}: ${issue.message}`.slice(0, 200)));
  const { raft, seal, recovery: recoveryConfig } = draft;
  const names = [
    ...raft.peers.flatMap(({ id, address }) => [id, address]),
    ...[seal, recoveryConfig].flatMap((config) => (config === null ? [] : [config.type])),
  ];
  const strange = names.find((name) => name.length > 255 || !/^[\x21-\x7e]*$/.test(name));
  if (strange !== undefined) throw unusual(`a name ${JSON.stringify(printable(strange).slice(0, 60))}`);
  if (JSON.stringify(draft, null, 2).length > LONGEST_MANIFEST) throw unusual('too many or too long prefixes of keys');
}

/** Half of the limit for reading it back. */
const LONGEST_MANIFEST = 512 * 1024;

function unusual(what: string): DrError {
  return new DrError('SnapshotCorrupt', `The snapshot holds something that Vault never writes: ${what}.`, {
    advice: 'It was not imported. Find out where it comes from.',
  });
}
