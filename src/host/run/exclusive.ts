import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import { DrError } from '../../contract/failures';
import { writeFileAtomically } from '../../files/atomic-file';
import { readIfThere } from '../../files/files';

export interface ExclusiveHold {
  release(): Promise<void>;
}

/**
 * Waits until this process is the only agent of a node on this host. The kernel holds the name (an abstract socket) for as
 * long as the process lives, frozen or not, and frees it at any kind of death: a thawed agent can't meet its successor.
 */
export async function holdNode(
  name: string,
  holderFile: string,
  onWait: (message: string) => void,
  signal: AbortSignal,
): Promise<ExclusiveHold> {
  for (let tries = 0; ; tries++) {
    const hold = await tryListen(name);
    if (hold) {
      await writeFileAtomically(holderFile, `${process.pid}\n`);
      return hold;
    }
    if (tries % 20 === 0) onWait(await describeHolder(holderFile));
    if (signal.aborted) throw new DrError('Aborted', 'The agent was stopped while it waited for the node.');
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function tryListen(name: string): Promise<ExclusiveHold | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(error);
    });
    // As a hash: the kernel takes 107 bytes, and Node cuts longer names off without a word.
    server.listen(`\0vault-dr-${createHash('sha256').update(name).digest('hex')}`, () => {
      server.unref();
      resolve({ release: () => new Promise((done) => server.close(() => done())) });
    });
  });
}

async function describeHolder(holderFile: string): Promise<string> {
  const pid = (await readIfThere(holderFile))?.trim();
  if (!pid) return 'Another agent holds this node; waiting for it to end.';
  const stat = await readIfThere(`/proc/${pid}/stat`).catch(() => null);
  const state = stat?.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
  const frozen = state === 'T' ? ` It is frozen and will not end by itself: kill -9 ${pid}` : '';
  return `Another agent (pid ${pid}) holds this node; waiting for it to end.${frozen}`;
}
