import type { HostedNode } from '../../config/schema';
import { type ServerStart, UNKNOWN_START } from '../../vault/config/server-start';
import { readServerConfig, type ServerConfig } from '../../vault/config/vault-config';
import type { ServiceDriver } from './service-driver';

/** How this host's Vault is started, and its configuration. */
export async function readServer({
  node,
  driver,
}: {
  node: HostedNode;
  driver: ServiceDriver;
}): Promise<{ start: ServerStart; server: ServerConfig | null }> {
  const start = await startOf(driver, node.dataDir);
  return { start, server: await readServerConfig(node.configFiles, start) };
}

/** What can't be seen is not a problem. */
export async function startOf(driver: ServiceDriver, dataDir: string): Promise<ServerStart> {
  return (await driver.serverStart?.(dataDir).catch(() => null)) ?? UNKNOWN_START;
}
