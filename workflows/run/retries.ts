import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { RETRY_SIGNAL } from '../../src/contract/names';
import type { Retrying } from '../../src/contract/recovery';
import { parseRetryNotice, type RetryNotice } from '../../src/contract/retry-notice';
import { nextStep } from '../../src/contract/voice/one-line';
import type { Journal } from './journal';
import { isOpen, onStepEnd, stepKey } from './open-steps';
import type { RunState } from './run-state';

/** More than fit on a screen; there are hardly ever more than nodes. */
const MOST_SHOWN = 20;

/**
 * Shows what workers report about steps that fail and are retried. Anybody who can write to the namespace may send such
 * reports, so they are shown and decide nothing: one line per running step, for as long as it runs.
 */
export function showRetries(state: RunState, journal: Journal): void {
  const { progress } = state;
  const notified = new Set<string>();
  const shown = () => progress.retrying ?? [];
  const isShown = (key: string) => shown().some((item) => stepKey(item) === key);

  const drop = (key: string) => {
    // After a takeover from an earlier execution, some may be of steps that have ended.
    const left = shown().filter((item) => stepKey(item) !== key && isOpen(stepKey(item)));
    if (left.length === shown().length) return;
    progress.retrying = left;
    state.show();
  };

  const take = ({ failure, ...step }: RetryNotice) => {
    const key = stepKey(step);
    if (!isOpen(key)) return;
    if (failure === null) return drop(key);
    const before = shown().find((item) => stepKey(item) === key);
    if (!before && shown().length >= MOST_SHOWN) return;
    const since = before?.since ?? new Date().toISOString();
    const entry: Retrying = { ...step, since, ...failure };
    progress.retrying = before ? shown().map((item) => (item === before ? entry : item)) : [...shown(), entry];
    state.show();
    if (!before) notifyLater(key);
  };

  /** Notifies people once, if it lasts. */
  const notifyLater = (key: string) => {
    const wait = Math.max(1, journal.reminders.remindMinutes * 60_000);
    condition(() => !isShown(key), wait)
      .then((isOver) => {
        if (isOver || notified.has(key)) return;
        notified.add(key);
        journal.notify('step retries', nextStep(progress));
      })
      // The run was cancelled.
      .catch(() => undefined);
  };

  onStepEnd(drop);
  setHandler(
    defineSignal<[unknown]>(RETRY_SIGNAL),
    (raw) => {
      const notice = parseRetryNotice(raw);
      if (notice !== null) take(notice);
    },
    { description: 'Sent by agents and the controller: a step fails, and is tried again' },
  );
}
