import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { passedEnvironment } from '../child-environment';
import { DrError, isDrError } from '../contract/failures';
import type { Command, NodeOverSsh } from './command';
import { boundedLines } from './lines';
import { type HostRequest, lineOf, parseToController, sentFailure, type ToController, type ToHost } from './messages';
import { sshFailure } from './ssh-failure';

const ALIVE_EVERY_MS = 1_000;
/** For a step that was cancelled to come to a safe point on its host, and a little more than that. */
const WIND_UP_MS = 22_000;
const LINGER_MS = 2_000;
const MOST_STDERR = 4_096;
/** A step asks a few times at most. */
const MOST_QUESTIONS = 1_000;

/** What only Temporal can answer, and what it gets. */
export interface HostCalls {
  confirmAttempt(): Promise<{ startedAt: string }>;
  isOver(run: string): Promise<boolean>;
  heartbeat(details: unknown): void;
}

export interface RemoteRequest {
  node: NodeOverSsh;
  command: Command;
  /** For messages. */
  remoteLine: string;
  what: string;
  request: HostRequest;
  calls: HostCalls;
  /** Temporal's cancellation of the step. */
  signal: AbortSignal;
}

/**
 * Has a host fulfil one request over a connection of its own. Whatever comes from there is bounded and validated; what the
 * result means is for the caller to check.
 * @throws DrError of the host, or of the connection; the reason of the signal
 */
export async function requestOverSsh(remote: RemoteRequest): Promise<unknown> {
  const { command, node, signal } = remote;
  signal.throwIfAborted();
  const child = spawn(command.program, command.args, { stdio: 'pipe', env: passedEnvironment() });
  const closed = once(child, 'close') as Promise<[number | null]>;
  closed.catch(() => undefined);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr = `${stderr}${chunk.toString()}`.slice(-MOST_STDERR)));
  // It may have ended: then its output says why.
  child.stdin.on('error', () => undefined);
  const send = (message: ToHost) => void (child.stdin.writable && child.stdin.write(lineOf(message)));
  const alive = setInterval(() => send({ type: 'alive' }), ALIVE_EVERY_MS);
  let patience: NodeJS.Timeout | undefined;
  const onCancel = () => {
    send({ type: 'cancel' });
    patience = setTimeout(() => child.kill('SIGKILL'), WIND_UP_MS);
  };
  signal.addEventListener('abort', onCancel, { once: true });
  const heard = { begun: false };
  try {
    send(remote.request);
    const end = await converse(child.stdout, remote, send, heard);
    signal.throwIfAborted();
    if (end.type === 'result') return end.value;
    if (end.type === 'failure') throw fromHost(end.failure, node.name);
    const code = await hangUp(child, closed).catch(notStarted);
    throw sshFailure(node, remote.remoteLine, {
      what: remote.what,
      begun: heard.begun,
      code,
      stderr,
      noise: end.noise,
    });
  } finally {
    clearInterval(alive);
    clearTimeout(patience);
    signal.removeEventListener('abort', onCancel);
    hangUp(child, closed).catch(() => undefined);
  }
}

/** The end of its input ends what the host still does. @returns the exit status */
async function hangUp(child: ChildProcess, closed: Promise<[number | null]>): Promise<number | null> {
  child.stdin?.end();
  const late = setTimeout(() => child.kill('SIGKILL'), LINGER_MS);
  try {
    return (await closed)[0];
  } finally {
    clearTimeout(late);
  }
}

type End = Extract<ToController, { type: 'result' | 'failure' }> | { type: 'broken'; noise: string | null };

/** Until the host has said how it ended, or says nothing more. */
async function converse(
  output: AsyncIterable<Buffer>,
  remote: RemoteRequest,
  send: (message: ToHost) => void,
  heard: { begun: boolean },
): Promise<End> {
  let questions = 0;
  try {
    for await (const line of boundedLines(output)) {
      const message = parseToController(line);
      if (message === null || (message.type !== 'hello' && !heard.begun)) return { type: 'broken', noise: line };
      if (message.type === 'hello') heard.begun = true;
      else if (message.type === 'heartbeat') remote.calls.heartbeat(message.details);
      else if (message.type === 'result' || message.type === 'failure') return message;
      else if (++questions > MOST_QUESTIONS) return { type: 'broken', noise: 'too many questions' };
      else void answer(message, remote.calls).then(send);
    }
  } catch (error) {
    if (isDrError(error)) return { type: 'broken', noise: error.message };
  }
  return { type: 'broken', noise: null };
}

type Question = Extract<ToController, { type: 'ask-attempt' | 'ask-run' }>;

async function answer(question: Question, calls: HostCalls): Promise<ToHost> {
  const to = question.id;
  try {
    if (question.type === 'ask-run') return { type: 'run', to, isOver: await calls.isOver(question.run) };
    const { startedAt } = await calls.confirmAttempt();
    return { type: 'attempt', to, startedAt };
  } catch (error) {
    const failed = isDrError(error) ? error : new DrError('TemporalUnreachable', 'Temporal could not be asked.');
    return { type: 'unanswered', to, failure: sentFailure(failed) };
  }
}

/** Its texts are one printable line each by now. */
function fromHost(failure: Extract<End, { type: 'failure' }>['failure'], node: string): DrError {
  const { code, message, retryable, advice, where } = failure;
  return new DrError(code, message, { retryable, where: where ?? node, ...(advice === null ? {} : { advice }) });
}

function notStarted(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOENT') throw error;
  throw new DrError('InvalidConfiguration', 'There is no program `ssh` on the controller.', {
    advice: 'Install it: `apt install openssh-client`.',
    cause: error,
  });
}
