import type { ServiceConfig } from '../../config/schema';

/** How an agent starts and stops a Vault that systemd runs. */
export function serviceOfUnit(unit: string): ServiceConfig {
  return {
    driver: 'command',
    start: ['systemctl', 'start', unit],
    stop: ['systemctl', 'stop', unit],
    status: ['systemctl', 'is-active', '--quiet', unit],
    log: ['journalctl', `--unit=${unit}`, '--lines=500', '--output=cat'],
    timeoutSeconds: 90,
  };
}
