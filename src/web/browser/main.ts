import { isDrError } from '../../contract/failures';
import { printable } from '../../contract/printable';
import type { SharePurpose } from '../../contract/recipients';
import { checkEnvelope, problemOfShare } from '../../contract/share';
import { sealShare } from '../../crypto/envelope';
import { openPgpText } from '../../crypto/openpgp-text';
import { handIn } from '../hand-in';
import { DATA_ID, type HolderPageData } from '../holder-data';
import { type CheckedRecipients, checkRecipients } from '../run-recipients';
import { element, field, list, onEnter, onPress, paragraph, show, showProblem } from './page';
import { isSigned } from './signed';

const PURPOSES: Record<SharePurpose, string> = {
  restore: 'They unseal the cluster itself.',
  drill: 'A drill: they unseal nothing but a sandbox.',
  'roll-call': 'A roll-call: they unseal nothing but a sandbox.',
  recover: 'Single secrets are read from a backup: they unseal nothing but a sandbox.',
};

const ENTER_ONE =
  'Nothing was sent. Enter one share, as `vault operator init` printed it; if it is PGP-encrypted, what `gpg --decrypt` prints.';

// Written by the CLI into the same file, and covered by its checksum.
const data = JSON.parse(element(DATA_ID).textContent ?? '') as HolderPageData;
let checked: CheckedRecipients | null = null;

onPress('check', check);
onEnter('run', check);
onPress('encrypt', () => void encrypt());
onEnter('share', () => void encrypt());
onPress('copy-envelope', () => void copy('envelope'));
onPress('copy-message', () => void copy('message'));
onPress('again', startAgain);
for (const id of ['recipients', 'run']) element(id).addEventListener('input', forgetRecipients);
// A page that is left may be kept, to be shown again as it was.
addEventListener('pagehide', () => (field('share').value = ''));

function check(): void {
  forgetRecipients();
  try {
    checked = checkRecipients(field('recipients').value, field('run').value, data, isSigned, Date.now());
  } catch (error) {
    if (isDrError(error) && error.message.includes('in clear text')) field('recipients').value = '';
    showProblem('recipients-problem', textOf(error), ['recipients', 'run']);
    field('recipients').focus();
    return;
  }
  const { started, keys, missing, list: recipients } = checked;
  element('checked').replaceChildren(
    paragraph(`Signed by the keys in this page, for ${recipients.cluster}. ${PURPOSES[recipients.purpose]}`),
    paragraph(`Run ${recipients.run}${started === null ? '' : `, started ${started}`}.`),
    list(keys.map(({ name, fingerprint }) => [name, fingerprint] as const)),
    ...(missing.length === 0 ? [] : [paragraph(`Not among them: ${missing.join(', ')}. You may be asked again.`)]),
  );
  field('holder').focus();
}

/** Whatever was encrypted before belongs to other recipients. */
function forgetRecipients(): void {
  checked = null;
  element('checked').replaceChildren();
  showProblem('recipients-problem', '', ['recipients', 'run']);
  hideResult();
}

async function encrypt(): Promise<void> {
  const entered = field('share').value.trim();
  field('share').value = '';
  hideResult();
  showProblem('share-problem', '', ['share']);
  try {
    if (checked === null) return refuseShare('Check the recipients first: step 1.');
    const { list: recipients } = checked;
    const isPgp = openPgpText(entered) !== null;
    const problem = problemOfShare(entered, isPgp);
    if (problem !== null) return refuseShare(`${problem}\n${ENTER_ONE}`);
    const envelope = await sealShare(
      entered,
      recipients.recipients.map(({ recipient }) => recipient),
    );
    const verdict = checkEnvelope(envelope);
    if (!verdict.ok) return refuseShare(verdict.reason);
    if (checked.list === recipients) showResult(envelope, checked);
  } catch (error) {
    refuseShare(textOf(error));
  }
}

function refuseShare(text: string): void {
  showProblem('share-problem', text, ['share']);
  field('share').focus();
}

function showResult(envelope: string, { list: recipients }: CheckedRecipients): void {
  const { vaultDr, temporal, workflowId, name, message } = handIn(recipients, field('holder').value, envelope);
  field('envelope').value = envelope;
  field('message').value = message;
  show('vault-dr', vaultDr);
  show('temporal', temporal);
  show('workflow-id', workflowId);
  show('message-name', name);
  element('result').hidden = false;
  show(
    'done',
    `Encrypted for ${recipients.recipients.map(({ node }) => node).join(', ')}. Your share is in this page no more.`,
  );
  element('step-3').focus();
}

function hideResult(): void {
  element('result').hidden = true;
  for (const id of ['envelope', 'message']) field(id).value = '';
  for (const id of ['vault-dr', 'temporal', 'done', 'copied']) show(id, '');
}

async function copy(id: string): Promise<void> {
  const from = field(id);
  try {
    await navigator.clipboard.writeText(from.value);
    show('copied', `The ${id} is in the clipboard.`);
  } catch {
    from.focus();
    from.select();
    show('copied', `This browser does not let a page copy. The ${id} is selected: copy it with Ctrl+C or the menu.`);
  }
}

function startAgain(): void {
  for (const id of ['recipients', 'run', 'share']) field(id).value = '';
  forgetRecipients();
  showProblem('share-problem', '', ['share']);
  field('recipients').focus();
}

function textOf(error: unknown): string {
  if (isDrError(error)) return `${error.message}\n${error.advice ?? ''}`.trim();
  const message = printable(error instanceof Error ? error.message : String(error));
  return `This browser can't do it: ${message}\nOpen the page in another browser.`;
}
