import { isDrError } from '../../contract/failures';
import { handIn } from '../hand-in';
import { DATA_ID, type HolderPageData } from '../holder-data';
import { PURPOSES } from '../purposes';
import { type CheckedRecipients, checkRecipients } from '../run-recipients';
import { copied } from './copying';
import { element, field, list, onEnter, onPress, paragraph, show, showProblem } from './page';
import { problemText } from './problem-text';
import { qrElement } from './qr-element';
import { NO_CODE, readQr } from './read-qr';
import { sealed } from './sealing';
import { takeShare, watchShareField } from './share-field';
import { isSigned } from './signed';

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
element('recipients-photo').addEventListener('change', () => void readRecipients());
watchShareField();

function check(): void {
  forgetRecipients();
  try {
    checked = checkRecipients(field('recipients').value, field('run').value, data, isSigned, Date.now());
  } catch (error) {
    if (isDrError(error) && error.message.includes('in clear text')) field('recipients').value = '';
    showProblem('recipients-problem', problemText(error), ['recipients', 'run']);
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

async function readRecipients(): Promise<void> {
  const photo = field('recipients-photo');
  const [file] = (photo instanceof HTMLInputElement && photo.files) || [];
  if (file === undefined) return;
  const text = await readQr(file);
  // The same picture may be chosen again.
  photo.value = '';
  forgetRecipients();
  if (text === null) return showProblem('recipients-problem', NO_CODE, ['recipients']);
  field('recipients').value = text;
  field('run').focus();
}

async function encrypt(): Promise<void> {
  const entered = takeShare();
  hideResult();
  showProblem('share-problem', '', ['share']);
  const before = checked;
  if (before === null) return refuseShare('Check the recipients first: step 1.');
  const made = await sealed(entered, before.list.recipients);
  if ('problem' in made) return refuseShare(made.problem);
  // Others may have been checked meanwhile.
  if (checked === before) showResult(made.envelope, before);
}

function refuseShare(text: string): void {
  showProblem('share-problem', text, ['share']);
  field('share').focus();
}

function showResult(envelope: string, { list: recipients }: CheckedRecipients): void {
  const { vaultDr, temporal, workflowId, name, message } = handIn(recipients, field('holder').value, envelope);
  field('envelope').value = envelope;
  element('envelope-code').replaceChildren(qrElement(envelope, 'envelope'));
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
  for (const id of ['envelope-code', 'vault-dr', 'temporal', 'done', 'copied']) show(id, '');
}

async function copy(id: string): Promise<void> {
  const from = field(id);
  const said = await copied(from.value, id, () => {
    from.focus();
    if (from instanceof HTMLTextAreaElement) from.select();
  });
  show('copied', said);
}

function startAgain(): void {
  for (const id of ['recipients', 'run', 'share']) field(id).value = '';
  forgetRecipients();
  showProblem('share-problem', '', ['share']);
  field('recipients').focus();
}
