import type { ServiceDriver } from '../../src/host/service/service-driver';
import { type Explanation, explainLog } from '../../src/vault/errors/error-dictionary';
import { linesSince } from '../../src/vault/errors/log-lines';

/** The newest of what Vault has logged since then of which it is known what it means; null when there is none. */
export async function knownFromLog(driver: ServiceDriver, since: Date): Promise<Explanation | null> {
  const log = (await driver.recentLog?.().catch(() => null)) ?? '';
  return explainLog(linesSince(log, since))[0] ?? null;
}
