import { condition, defineQuery, defineSignal, setHandler } from '@temporalio/workflow';
import {
  ENROLMENT,
  enrolmentInput,
  LONGEST_ENROLMENT_HOURS,
  type Mailbox,
  MOST_ANSWERS,
  sealedAnswer,
} from '../src/contract/enrolment';
import { parseOrFail } from './run/problems';

/**
 * A mailbox between the host of a new agent and the controller's host. It decides nothing and runs no step: what it carries is
 * sealed with keys that it does not have. Started by `vault-dr enrol accept`.
 */
export async function enrolNode(raw: unknown): Promise<{ taken: boolean }> {
  const { offer } = parseOrFail(enrolmentInput, raw, 'that of `vault-dr enrol accept`');
  const mailbox: Mailbox = { offer, answers: [], taken: false };
  setHandler(defineQuery<Mailbox>(ENROLMENT.mailbox), () => mailbox, { description: 'What has been sent so far' });
  setHandler(defineSignal<[unknown]>(ENROLMENT.answer), (message) => {
    const { data } = sealedAnswer.safeParse(message);
    const isNew =
      data !== undefined && !mailbox.answers.some(({ mac, body }) => mac === data.mac && body === data.body);
    if (isNew && mailbox.answers.length < MOST_ANSWERS) mailbox.answers.push(data);
  });
  setHandler(defineSignal(ENROLMENT.taken), () => void (mailbox.taken = true));
  await condition(() => mailbox.taken, `${LONGEST_ENROLMENT_HOURS} hours`);
  return { taken: mailbox.taken };
}
