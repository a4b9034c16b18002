import { TEMPORAL_TLS, TEMPORAL_UNITS } from '../../src/install/temporal-files';
import type { Machine } from './machine';
import { fullName } from './network';
import { keyPem, type SiteSecrets } from './secrets';

/** Temporal on Debian's PostgreSQL, by the units that `vault-dr install temporal` writes. */
export async function installTemporal(machine: Machine, secrets: SiteSecrets): Promise<void> {
  const { temporalServer, temporalAuthority, temporalClients } = secrets;
  await machine.must(['vault-dr', 'install', 'temporal', '--name', fullName('temporal')]);
  await machine.must(['systemd-sysusers']);
  await machine.must(['systemd-tmpfiles', '--create']);
  const secret = { owner: 'root:temporal', mode: 0o640 };
  await machine.write(TEMPORAL_TLS.authority, temporalAuthority.certificate);
  await machine.write(TEMPORAL_TLS.certificate, temporalServer.certificate);
  await machine.write(TEMPORAL_TLS.key, keyPem(temporalServer), secret);
  await machine.write(TEMPORAL_TLS.administratorCertificate, temporalClients.people.certificate);
  await machine.write(TEMPORAL_TLS.administratorKey, keyPem(temporalClients.people), { mode: 0o600 });
  await machine.must(['systemctl', 'enable', '--now', TEMPORAL_UNITS.server, TEMPORAL_UNITS.backupTimer]);
  await machine.must(['systemctl', 'start', TEMPORAL_UNITS.namespace]);
}
