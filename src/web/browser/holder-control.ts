import { recipientsText } from '../../contract/recipients';
import { checkEnvelope } from '../../contract/share';
import { knownHolder } from '../known-holder';
import type { HolderModel } from '../model';
import type { HolderState } from '../pages/browser-state';
import { checkRecipients } from '../run-recipients';
import { field } from './page';
import { problemText } from './problem-text';
import { sealed } from './sealing';
import { takeShare } from './share-field';
import { isSigned } from './signed';
import { submitEnvelope } from './submit-envelope';

/** Of the page around it. */
export interface Surroundings {
  model: () => HolderModel;
  state: () => HolderState;
  update: (change: Partial<HolderState>) => void;
}

const CHANGED =
  'The run has changed meanwhile. Nothing was sent. Read what the page says now, and enter the share again.';

/** What the browser itself can say about the recipients of a model. */
export function checkedRecipients(model: HolderModel): HolderState['recipients'] {
  if (model.recipients.length === 0) return null;
  try {
    const { started, keys, missing } = checkRecipients(
      recipientsText(model),
      // By another way it can't be known here: the page shows it, to be compared.
      model.run,
      model.keys,
      isSigned,
      Date.now(),
    );
    return { started, nodes: keys.map(({ name }) => name), missing };
  } catch (error) {
    return { problem: problemText(error) };
  }
}

/** A model of the same run that wants the same. */
export function sameRun(one: HolderModel, other: HolderModel): boolean {
  return recipientsText(one) === recipientsText(other) && one.over === other.over && one.waiting === other.waiting;
}

export async function encryptAndHandIn(page: Surroundings): Promise<void> {
  const { recipients, busy } = page.state();
  if (busy) return;
  const model = page.model();
  const holder = nameIn(model, 'holder');
  if (holder === '') {
    page.update({ problem: 'Enter your name first: the run records it with your share.' });
    return field('holder').focus();
  }
  const entered = takeShare();
  if (recipients === null || 'problem' in recipients) {
    return page.update({ problem: recipients?.problem ?? 'The recipients could not be checked. Nothing was sent.' });
  }
  page.update({ problem: null, answer: null, envelope: null, busy: true });
  const made = await sealed(entered, model.recipients);
  if ('problem' in made) {
    page.update({ problem: made.problem, busy: false });
    return field('share').focus();
  }
  if (!sameRun(model, page.model())) return page.update({ problem: CHANGED, busy: false });
  if (model.submit === null) return page.update({ envelope: made.envelope, busy: false });
  await send(page, model, holder, made.envelope);
}

/** An envelope that the page without a network has made. */
export async function handInForeign(page: Surroundings): Promise<void> {
  if (page.state().busy) return;
  const model = page.model();
  const refuse = (foreignProblem: string, id: string) => {
    page.update({ foreignProblem });
    field(id).focus();
  };
  const holder = nameIn(model, 'foreign-holder');
  if (holder === '') return refuse('Enter the name of the holder first: the run records it.', 'foreign-holder');
  const envelope = field('foreign').value.trim();
  const verdict = checkEnvelope(envelope);
  if (!verdict.ok && verdict.exposed) {
    field('foreign').value = '';
    const problem =
      'This looks like an unseal share in clear text. Nothing was sent, and it has been removed from this field.';
    return refuse(`${problem} A share belongs into the field above.`, 'foreign');
  }
  if (!verdict.ok) return refuse(`${verdict.reason} Nothing was sent.`, 'foreign');
  page.update({ foreignProblem: null, answer: null, envelope: null, busy: true });
  field('foreign').value = '';
  await send(page, model, holder, envelope);
}

async function send(page: Surroundings, model: HolderModel, holder: string, envelope: string): Promise<void> {
  if (model.submit === null) return;
  const { reached, ...answer } = await submitEnvelope(model.submit, holder, envelope);
  page.update({ answer, envelope: reached ? null : envelope, busy: false });
}

/** Of whom it is; empty if nobody has said. */
function nameIn({ submit }: HolderModel, id: string): string {
  return knownHolder(submit) ?? field(id).value.trim();
}
