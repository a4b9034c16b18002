import { existsSync } from 'node:fs';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { isProgram } from '../files/files';
import {
  TEMPORAL_HOST,
  TEMPORAL_PROGRAMS,
  TEMPORAL_TLS,
  TEMPORAL_UNITS,
  type TemporalHost,
  temporalFiles,
} from '../install/temporal-files';
import { writeFiles } from './install-files';
import { print } from './output';
import { verb } from './program';

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

/** What goes into files of other programs as it is: nothing there needs quotes. */
const HOST_NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i;
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const DIRECTORY = /^\/[\w./-]*$/;

export function installTemporalCommand(): Command {
  return verb(
    'temporal',
    'Write the units of a host that runs Temporal on PostgreSQL',
    'vault-dr install temporal --name temporal.example.com',
  )
    .requiredOption(
      '--name <host>',
      "name under which others reach this host, as in the server's certificate",
      parseName,
    )
    .option('--listen <address>', 'address that it listens on', parseAddress, TEMPORAL_HOST.listen)
    .option('--namespace <name>', 'namespace to create', parseNamespace, TEMPORAL_HOST.namespace)
    .option('--retention <days>', 'days for which ended runs are kept', parseDays, TEMPORAL_HOST.retentionDays)
    .option('--programs <directory>', "directory of Temporal's programs", parseDirectory, TEMPORAL_HOST.programs)
    .option('--backups <directory>', 'directory of the daily dumps', parseDirectory, TEMPORAL_HOST.backups)
    .option('--token-keys <url>', 'JWKS of who signs tokens; default: no tokens, no roles', parseUrl)
    .option('--print', 'print the files, and write nothing')
    .action(install);
}

async function install({ retention, tokenKeys, print: only, ...options }: Options): Promise<void> {
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

/** @throws InvalidArgumentError, as each of these. */
function parseName(text: string): string {
  if (HOST_NAME.test(text) && isIP(text) === 0) return text;
  throw new InvalidArgumentError('It must be the name of a host, such as temporal.example.com.');
}

function parseAddress(text: string): string {
  if (isIP(text) === 4) return text;
  throw new InvalidArgumentError('It must be an IPv4 address of this host; 0.0.0.0 for all of them.');
}

function parseNamespace(text: string): string {
  if (NAMESPACE.test(text)) return text;
  throw new InvalidArgumentError('It must have letters, digits, dots, dashes and underscores only.');
}

function parseDays(text: string): number {
  const days = Number(text);
  if (Number.isInteger(days) && days >= 1 && days <= 3_650) return days;
  throw new InvalidArgumentError('It must be a whole number of days, from 1 to 3650.');
}

function parseUrl(text: string): string {
  if (/^https?:\/\/[\w.:/~%?&=@+-]+$/.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('It must be a URL, such as https://issuer.example.com/keys.');
}

function parseDirectory(text: string): string {
  if (DIRECTORY.test(text) && resolve(text) === text && text !== '/') return text;
  throw new InvalidArgumentError('It must be an absolute path of letters, digits, dots, dashes and underscores.');
}
