import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isProgram } from '../files/files';
import {
  TEMPORAL_PROGRAMS,
  TEMPORAL_TLS,
  TEMPORAL_UNITS,
  type TemporalHost,
  temporalFiles,
} from '../install/temporal-files';
import { writeFiles } from './install-files';
import { print } from './output';

interface Options {
  name: string;
  listen: string;
  namespace: string;
  retention: number;
  tokenKeys?: string;
  programs: string;
  backups: string;
  print?: boolean;
}

export async function runInstallTemporal({ retention, tokenKeys, print: only, ...options }: Options): Promise<void> {
  const host: TemporalHost = { ...options, tokenKeys: tokenKeys ?? null, retentionDays: retention };
  const files = temporalFiles(host);
  if (only) {
    print(files.map(({ path, text, comment = '#' }) => `${comment} ${path}\n${text}`).join('\n'));
    return;
  }
  await writeFiles(files);
  print(`Next:\n${(await nextOf(host)).map((line) => `  ${line}`).join('\n')}`);
}

/** What is still missing, and the commands that start it. */
async function nextOf({ programs }: TemporalHost): Promise<string[]> {
  const missing: string[] = [];
  for (const program of TEMPORAL_PROGRAMS)
    if (!(await isProgram(join(programs, program)))) missing.push(join(programs, program));
  const files = Object.values(TEMPORAL_TLS).filter((path) => !existsSync(path));
  return [
    ...(missing.length > 0 ? [`put in place: ${missing.join(', ')}`] : []),
    ...(existsSync('/usr/share/postgresql-common') ? [] : ['apt-get install postgresql']),
    'systemd-sysusers && systemd-tmpfiles --create',
    ...(files.length > 0 ? [`put in place: ${files.join(', ')}`] : []),
    `chgrp temporal ${TEMPORAL_TLS.key} && chmod 0640 ${TEMPORAL_TLS.key}`,
    `systemctl enable --now ${TEMPORAL_UNITS.server} ${TEMPORAL_UNITS.backupTimer}`,
  ];
}
