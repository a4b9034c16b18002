import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { DrError } from '../../contract/failures';
import { readOwnFile } from '../../files/own-files';
import type { Fence } from '../service/service-driver';

const ASK_EVERY_MS = 50;

interface Recorded {
  /** Of the agent's own: with the identity of the process. */
  file: string;
  /** For messages. */
  what: string;
  withinMs: number;
  /** The process id, while anything of it is alive. */
  find: (identity: string) => Promise<number | null>;
  kill: (pid: number) => void;
}

/** Ends what an earlier attempt, or an agent before this one, has started and recorded. @throws DrError ServiceFailed */
export async function endRecorded({ file, what, withinMs, find, kill }: Recorded, fence?: Fence): Promise<void> {
  const identity = readOwnFile(file)?.trim();
  if (identity === undefined) return;
  for (let tries = 0; ; tries++) {
    const pid = await find(identity);
    if (pid === null) break;
    if (tries * ASK_EVERY_MS >= withinMs) {
      throw new DrError('ServiceFailed', `${what} (process ${pid}) is still running after SIGKILL.`, {
        advice: 'It hangs in the kernel, probably on a disk: check `dmesg` on that host.',
      });
    }
    fence?.assertCurrent();
    kill(pid);
    await sleep(ASK_EVERY_MS);
  }
  await rm(file, { force: true });
}
