import { join } from 'node:path';
import { generateAgentKey } from '../../crypto/agent-key';
import { createFileAtomically } from '../../files/atomic-file';
import { privateDirectory, readIfThere } from '../../files/files';

/** The agent's own key (PEM), made at its first use; the public half belongs into the configuration. */
export async function ensureAgentKey(stateDir: string): Promise<string> {
  await privateDirectory(stateDir);
  const file = join(stateDir, 'agent-key.pem');
  const existing = await readIfThere(file);
  if (existing !== null) return existing;
  const made = generateAgentKey();
  await createFileAtomically(file, made);
  return (await readIfThere(file)) ?? made;
}
