import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxConfig } from '../config/schema';
import { isDrError } from '../contract/failures';
import { Fence } from './fence';

/** Why this process can make no fence; null if it can. */
export async function problemOfFence({ program, writable }: SandboxConfig): Promise<string | null> {
  const directory = await mkdtemp(join(tmpdir(), 'vault-dr-fence-'));
  try {
    const fence = await Fence.open({ program, writable, directory, targets: [], nodeId: 'probe' });
    await fence.close();
    return null;
  } catch (error) {
    if (!isDrError(error)) throw error;
    return `${error.message} ${error.advice ?? ''}`.trim();
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
