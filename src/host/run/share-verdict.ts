import { createHmac } from 'node:crypto';
import { isDrError } from '../../contract/failures';
import { notice } from '../../contract/notice';
import type { ShareVerdict } from '../../contract/recovery';
import { decodeShare } from '../../contract/share';
import { openShare, runSecret } from './run-identity';

/**
 * Checks one envelope: is it encrypted for this host, and does it contain a share?
 * @throws DrError IdentityLost
 */
export async function judgeShare(runtimeDir: string, run: string, envelope: string): Promise<ShareVerdict> {
  let text: string;
  try {
    text = await openShare(runtimeDir, run, envelope);
  } catch (error) {
    if (!isDrError(error) || error.code === 'IdentityLost') throw error;
    return refuse(
      notice(
        'share-needed-again',
        'It is not encrypted to the current recipients of this run: run `vault-dr unseal` again, or encrypt it to those that the run shows.',
      ),
    );
  }
  const share = decodeShare(text);
  if (share === null) return refuse('Its content is not an unseal share (base64 or hexadecimal, 16 to 33 bytes).');
  const secret = await runSecret(runtimeDir, run);
  return {
    accepted: true,
    reason: null,
    fingerprint: createHmac('sha256', secret).update(share).digest('hex').slice(0, 16),
  };
}

function refuse(reason: string): ShareVerdict {
  return { accepted: false, reason, fingerprint: null };
}
