import type { ServiceDriver } from '../../src/host/service/service-driver';
import { type Explanation, explainLog } from '../../src/vault/errors/error-dictionary';
import { linesSince } from '../../src/vault/errors/log-lines';

/** The newest known message in Vault's log since then; null if there is none. */
export async function knownFromLog(driver: ServiceDriver, since: Date): Promise<Explanation | null> {
  const log = (await driver.recentLog?.().catch(() => null)) ?? '';
  return explainLog(linesSince(log, since))[0] ?? null;
}
