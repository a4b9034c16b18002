import type { ServiceConfig } from '../../config/schema';

/** How an agent starts and stops a Vault that systemd runs. */
export function serviceOfUnit(unit: string): ServiceConfig {
  return { driver: 'systemd', unit, timeoutSeconds: 300 };
}
