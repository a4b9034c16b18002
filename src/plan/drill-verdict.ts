import type { DrillResult } from '../contract/drill';
import { type Against, type DrillFailure, type DrillRecord, reachedIn } from '../contract/drill-record';
import type { GenerationCopy, Manifest } from '../contract/generation';
import { productOfManifest, versionProblem } from './versions';

const VERSION = /^[\x21-\x7e]{1,64}$/;

/**
 * What a failed drill speaks against; null if it says nothing of the backup: the host was too small, the shares were wrong,
 * or a repository did not answer.
 * @param serverVersion of the Vault in the sandbox
 */
export function speaksAgainst(
  { phase, code }: DrillFailure,
  serverVersion: string | null,
  manifest: Pick<Manifest, 'serverVersion' | 'product'>,
): Against | null {
  switch (code) {
    case 'CopyDamaged':
      // What is hashed while it is fetched may be whole elsewhere.
      return phase === 'fetch' ? 'copy' : 'backup';
    case 'DecryptionFailed':
      return 'identity';
    case 'DrillRejected':
      return 'hook';
    case 'VaultRefused':
      return phase === 'load' && isOfItsTime(serverVersion, manifest) ? 'backup' : null;
    default:
      return null;
  }
}

/** An older Vault, or another product, may refuse what is good. */
function isOfItsTime(serverVersion: string | null, manifest: Pick<Manifest, 'serverVersion' | 'product'>): boolean {
  if (serverVersion === null || manifest.serverVersion === null) return false;
  const product = productOfManifest(manifest);
  return (
    versionProblem({ version: serverVersion, product: null }, { version: manifest.serverVersion, product }) === null
  );
}

type Ended = Pick<DrillResult, 'serverVersion' | 'phases'>;
type Drilled = Pick<GenerationCopy, 'generation' | 'manifestSha256' | 'repository'>;

export function recordOfPassed(copy: Drilled, result: Ended & Pick<DrillResult, 'level'>): DrillRecord {
  return { ...recordOf(copy, result), level: result.level, failed: null };
}

/** Null if the failure says nothing of the backup. */
export function recordOfFailed(
  copy: Drilled & { manifest: Pick<Manifest, 'serverVersion' | 'product'> },
  { phase, code }: DrillFailure,
  soFar: Ended,
): DrillRecord | null {
  const against = speaksAgainst({ phase, code }, soFar.serverVersion, copy.manifest);
  if (against === null) return null;
  return { ...recordOf(copy, soFar), level: reachedIn(phase), failed: { phase, code, against } };
}

function recordOf(
  { generation, manifestSha256, repository }: Drilled,
  { serverVersion, phases }: Ended,
): Omit<DrillRecord, 'level' | 'failed'> {
  const version = serverVersion !== null && VERSION.test(serverVersion) ? serverVersion : null;
  return { generation, manifestSha256, repository, serverVersion: version, phases };
}
