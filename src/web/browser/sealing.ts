import { checkEnvelope, problemOfShare } from '../../contract/share';
import type { RunRecipient } from '../../contract/recovery';
import { sealShare } from '../../crypto/envelope';
import { openPgpText } from '../../crypto/openpgp-text';
import { problemText } from './problem-text';

const ENTER_ONE =
  'Nothing was sent. Enter one share, as `vault operator init` printed it; if it is PGP-encrypted, what `gpg --decrypt` prints.';

export type Sealed = { envelope: string } | { problem: string };

/** Makes an envelope of what was entered, for recipients that were checked before. */
export async function sealed(entered: string, recipients: readonly RunRecipient[]): Promise<Sealed> {
  const isPgp = openPgpText(entered) !== null;
  const problem = problemOfShare(entered, isPgp);
  if (problem !== null) return { problem: `${problem}\n${ENTER_ONE}` };
  try {
    const envelope = await sealShare(
      entered,
      recipients.map(({ recipient }) => recipient),
    );
    const verdict = checkEnvelope(envelope);
    return verdict.ok ? { envelope } : { problem: verdict.reason };
  } catch (error) {
    return { problem: problemText(error) };
  }
}
