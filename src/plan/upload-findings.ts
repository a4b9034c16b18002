import { formatBytes, formatSeconds } from '../contract/format';
import type { Manifest } from '../contract/generation';
import type { VaultConfig } from '../contract/host';
import type { NodeInspection } from './evaluate-node';
import { acceptable, type Finding } from './findings';

/** Slowest expected upload over loopback, in bytes per second; `http_read_timeout` is checked against it. */
const SLOWEST_UPLOAD = 30 * 1024 ** 2;

/** Why the node that loads the snapshot lacks space or time for it. */
export function uploadFindings({ node, report }: NodeInspection, { archive, stored, keys }: Manifest): Finding[] {
  if (report === null) return [];
  const findings: Finding[] = [];
  const staging = stored.sizeBytes * 1.1;
  if (report.stagingFreeBytes < staging) {
    findings.push({
      code: 'no-room',
      text: `${node}: ${formatBytes(report.stagingFreeBytes)} free in stateDir, ${formatBytes(staging)} needed for staging`,
    });
  }
  const spool = Math.max(keys.bytes, archive.sizeBytes) * 1.1;
  if (report.temp.freeBytes < spool) {
    findings.push({
      code: 'no-room',
      text: `${node}: ${formatBytes(report.temp.freeBytes)} free in ${report.temp.path}, where Vault buffers the snapshot, ${formatBytes(spool)} needed (TMPDIR of its service)`,
    });
  }
  const timeout = uploadLimit(report.config);
  const upload = archive.sizeBytes / SLOWEST_UPLOAD;
  if (timeout > 0 && upload * 1_000 > timeout) {
    findings.push(
      acceptable(
        'read-timeout',
        `${node}: the upload of ${formatBytes(archive.sizeBytes)} may take ${formatSeconds(upload)}, but its listener times out after ${formatSeconds(timeout / 1_000)}: raise \`http_read_timeout\` and \`max_request_duration\``,
      ),
    );
  }
  return findings;
}

/** Milliseconds that the listeners allow for an upload; 0 if unlimited or unknown. */
function uploadLimit(config: VaultConfig | null): number {
  const limits = (config?.listeners ?? []).flatMap(({ httpReadTimeoutMs, maxRequestDurationMs }) => [
    httpReadTimeoutMs ?? 30_000,
    maxRequestDurationMs ?? 90_000,
  ]);
  const set = limits.filter((limit) => limit > 0);
  return set.length === 0 ? 0 : Math.min(...set);
}
