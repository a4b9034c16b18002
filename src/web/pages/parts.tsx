import type { ComponentChildren } from 'preact';
import { formatNumber, formatTime } from '../../contract/format';
import type { CommandText } from '../../contract/voice/commands';
import type { Tone } from '../../contract/voice/headline';
import { ago } from './words';

const MARKS: Record<Tone, string> = { good: '✓', attention: '!', bad: '✕', neutral: '•' };

/** A sign before a text that says the same: nothing is known by its colour alone. */
export function Badge({ tone, children }: { tone: Tone; children?: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`}>
      <span class="mark" aria-hidden="true">
        {MARKS[tone]}
      </span>
      {children === undefined ? null : <> {children}</>}
    </span>
  );
}

/** A time, and how long ago that was. */
export function Time({ time, at }: { time: string; at: string }) {
  const distance = ago(time, at);
  return (
    <span class="when">
      <time dateTime={time}>{formatTime(time)}</time>
      {distance === '' ? null : <span class="quiet"> {distance}</span>}
    </span>
  );
}

/** How long ago something was; when exactly is on another page. */
export function Ago({ time, at }: { time: string; at: string }) {
  return (
    <time class="quiet" dateTime={time} title={formatTime(time)}>
      {ago(time, at) || formatTime(time)}
    </time>
  );
}

/** Names and what is known of them. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, fact: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, fact]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{fact}</dd>
        </div>
      ))}
    </dl>
  );
}

const LONGEST = 2_000;

/** Text from outside, which may have lines and may be endless. What is between backticks is code. */
export function Said({ text }: { text: string }) {
  const rest = text.length - LONGEST;
  const parts = text.slice(0, LONGEST).split('`');
  // An odd one is a backtick.
  const isPaired = parts.length % 2 === 1;
  return (
    <span class="lines">
      {isPaired
        ? parts.map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))
        : parts.join('`')}
      {rest > 0 ? `… (${formatNumber(rest)} characters more)` : null}
    </span>
  );
}

/** What to do about it; null: nothing. */
export function Remedy({ text }: { text: string | null }) {
  if (text === null) return null;
  return (
    <p class="remedy">
      <Said text={text} />
    </p>
  );
}

/** To type or to copy. The button is for browsers with the script. */
export function Shell({ text, label }: { text: string; label: string }) {
  return (
    <div class="command">
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <button type="button" class="copy" data-copy aria-label={`Copy: ${label}`}>
        <span class="before">Copy</span>
        <span class="after">Copied</span>
      </button>
    </div>
  );
}

export function Commands({ commands }: { commands: readonly CommandText[] }) {
  return (
    <ul class="plain">
      {commands.map(({ label, vaultDr, stock, note }) => (
        <li key={`${label} ${vaultDr}`}>
          <p class="label">{label}</p>
          <Shell text={vaultDr} label={label} />
          {note === null ? null : <p class="hint">{note}</p>}
          {stock.length === 0 ? null : (
            <details>
              <summary>With stock tools</summary>
              <Shell text={stock.join('\n')} label={`${label} with stock tools`} />
            </details>
          )}
        </li>
      ))}
    </ul>
  );
}

/** Only to where a browser goes by itself: no script in an address. */
export function TemporalLink({ address, children }: { address: string | null; children: ComponentChildren }) {
  if (address === null || !/^https?:\/\//i.test(address)) return null;
  return (
    <a href={address} rel="noreferrer noopener">
      {children}
    </a>
  );
}

/** Sentences one below the other. Two may be the same. */
export function Texts({ texts, kind = 'plain' }: { texts: readonly string[]; kind?: string }) {
  return (
    <ul class={kind}>
      {texts.map((text, index) => (
        <li key={index}>
          <Said text={text} />
        </li>
      ))}
    </ul>
  );
}
