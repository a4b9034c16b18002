import { DrError } from '../contract/failures';

/** Aborted when somebody, or the system, ends this command. @param text then said, once what it made is gone */
export function untilInterrupted(text: string): AbortSignal {
  const interrupted = new AbortController();
  const onInterrupt = () => interrupted.abort(new DrError('Aborted', text));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, onInterrupt);
  return interrupted.signal;
}
