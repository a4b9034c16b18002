import { printable } from '../../contract/printable';
import { knownHolder } from '../known-holder';
import type { Action, ActionAnswer } from '../model';

/** An answer, and whether the envelope has reached its run: else it can be handed in otherwise. */
export interface HandedIn extends ActionAnswer {
  reached: boolean;
}

/** Sends an envelope, and nothing else. */
export async function submitEnvelope(submit: Action, holder: string, envelope: string): Promise<HandedIn> {
  const body = new URLSearchParams(submit.fields.map(({ name, value }) => [name, value]));
  if (knownHolder(submit) === null) body.set('holder', holder);
  body.set('share', envelope);
  try {
    const response = await fetch(submit.path, {
      method: 'POST',
      headers: { accept: 'application/json' },
      body,
      cache: 'no-store',
      redirect: 'error',
    });
    const answer = answerIn(await response.text());
    if (answer !== null) return { ...answer, reached: response.status < 429 };
    return unreached(`The server has answered with ${response.status}, and nothing that this page can read.`);
  } catch {
    return unreached('The server does not answer.');
  }
}

function unreached(text: string): HandedIn {
  const advice = 'Try again, or hand the envelope in by another way: it is below, and encrypted.';
  return { ok: false, text, advice, reached: false };
}

function answerIn(text: string): ActionAnswer | null {
  try {
    const { ok, text: said, advice } = JSON.parse(text) as Partial<ActionAnswer>;
    if (typeof said !== 'string') return null;
    return { ok: ok === true, text: linesOf(said), advice: typeof advice === 'string' ? linesOf(advice) : null };
  } catch {
    return null;
  }
}

function linesOf(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
