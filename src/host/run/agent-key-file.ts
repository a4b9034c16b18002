import { join } from 'node:path';
import { generateAgentKey } from '../../crypto/agent-key';
import { createFileAtomically } from '../../files/atomic-file';
import { privateDirectory } from '../../files/files';
import { readOwnFile } from '../../files/own-files';

export function agentKeyFile(stateDir: string): string {
  return join(stateDir, 'agent-key.pem');
}

/** The agent's own key (PEM), generated on first use; the public half belongs in the configuration. */
export async function ensureAgentKey(stateDir: string): Promise<string> {
  await privateDirectory(stateDir);
  const file = agentKeyFile(stateDir);
  const existing = readOwnFile(file, { secret: true });
  if (existing !== null) return existing;
  const made = generateAgentKey();
  await createFileAtomically(file, made);
  return readOwnFile(file, { secret: true }) ?? made;
}
