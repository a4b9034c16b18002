import { createHash } from 'node:crypto';
import { readdir, readlink } from 'node:fs/promises';
import { readIfThere } from './files';

/** `PLACE-PID-START`: unique to this process across hosts. Null without /proc. */
export function ownIdentity(): Promise<string | null> {
  return processIdentity(process.pid);
}

/** The same for another process of this place; null if it is dead. */
export async function processIdentity(pid: number): Promise<string | null> {
  const [place, startTime] = await Promise.all([ownPlace(), startTimeOf(pid)]);
  return place === null || startTime === null ? null : `${place}-${pid}-${startTime}`;
}

/** Whether the process with that identity is known to be dead; false for another host, boot or container. */
export async function isKnownDead(identity: string): Promise<boolean> {
  const [place, pid = '', startTime] = identity.split('-');
  if (!/^\d+$/.test(pid) || place !== (await ownPlace())) return false;
  return (await startTimeOf(Number(pid))) !== startTime;
}

/** The local id of the live process with that identity; null if it is dead, or not visible from here. */
export async function holderOf(identity: string): Promise<number | null> {
  const [place, pid = '', startTime] = identity.split('-');
  if (!/^[1-9]\d*$/.test(pid) || place !== (await ownPlace())) return null;
  return (await startTimeOf(Number(pid))) === startTime ? Number(pid) : null;
}

/** The process group that the process with that identity leads, or has led, while any of it is alive; else null. */
export async function groupOf(identity: string): Promise<number | null> {
  const [place, pid = '', startTime] = identity.split('-');
  if (!/^[1-9]\d*$/.test(pid) || place !== (await ownPlace())) return null;
  const led = await startTimeOf(Number(pid));
  // A number is not used again as long as a group has it.
  if (led !== null) return led === startTime ? Number(pid) : null;
  for (const name of await readdir('/proc')) {
    if (/^\d+$/.test(name) && (await liveStat(Number(name)))?.[2] === pid) return Number(pid);
  }
  return null;
}

/** Field 22 of /proc/PID/stat; null if there is no such process, or only a zombie. */
export async function startTimeOf(pid: number): Promise<string | null> {
  return (await liveStat(pid))?.[19] ?? null;
}

/** Fields of /proc/PID/stat from the third on, which are: state, parent, group. */
async function liveStat(pid: number): Promise<string[] | null> {
  const stat = await readIfThere(`/proc/${pid}/stat`).catch(() => null);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if ((fields[0] === 'Z' || fields[0] === 'X') && !(await hasOtherThreads(pid))) return null;
  return fields;
}

/** The first thread of a killed process may be a zombie while others still hold its files and ports. */
async function hasOtherThreads(pid: number): Promise<boolean> {
  return (await readdir(`/proc/${pid}/task`).catch(() => [])).length > 1;
}

/** It may have ended already. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** The scope of process ids: this boot, this process namespace. */
async function ownPlace(): Promise<string | null> {
  const boot = await readIfThere('/proc/sys/kernel/random/boot_id');
  const namespace = await readlink('/proc/self/ns/pid').catch(() => null);
  if (boot === null || namespace === null) return null;
  return createHash('sha256').update(`${boot.trim()} ${namespace}`).digest('hex').slice(0, 16);
}
