import { createHash } from 'node:crypto';
import { bounded, lineOf, type Message, titleOf } from './message';

export interface Mail {
  from: string;
  to: string[];
  subject: string;
  text: string;
  messageId: string;
  /** Of the first message about the same, which need not exist: programs show all of them together. */
  references: string;
  headers: Record<string, string>;
}

const LONGEST_SUBJECT = 150;

/** A message as plain text, the same for each attempt. What could end a header was taken out of all texts before. */
export function mailOf(message: Message, { from, to }: { from: string; to: string[] }): Mail {
  const lines = [
    lineOf(message),
    '',
    `cluster:   ${message.cluster}`,
    `event:     ${message.event} (${message.state === 'over' ? 'over' : message.severity})`,
    `time:      ${message.at}`,
    `run:       ${message.run}`,
    `id:        ${message.id}`,
  ];
  return {
    from,
    to,
    subject: bounded(`${titleOf(message)}: ${message.text}`, LONGEST_SUBJECT),
    text: `${lines.join('\n')}\n`,
    messageId: idOf(message.id),
    references: idOf(message.key),
    // So that no absence note answers it.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Vault-DR-Severity': message.severity },
  };
}

function idOf(text: string): string {
  return `<${createHash('sha256').update(text).digest('hex').slice(0, 40)}@vault-dr.invalid>`;
}
