import { type Command, InvalidArgumentError, Option } from 'commander';
import { DrError } from '../../contract/failures';
import type * as Backup from '../backup';
import type * as Diff from '../backups-diff';
import type * as Keep from '../backups-keep';
import type * as List from '../backups-list';
import type * as Show from '../backups-show';
import type * as Verify from '../backups-verify';
import type * as Bundle from '../bundle';
import type * as Import from '../import/command';
import {
  family,
  lazily,
  repeatable,
  verb,
  withCluster,
  withConfig,
  withJson,
  withNode,
  withOperator,
  withTemporal,
} from '../program';
import { withFacts } from './options';

export function backupCommand(): Command {
  const command = verb(
    'backup',
    'Make a backup of a cluster now, and follow it',
    'vault-dr backup --cluster prod',
  ).action(lazily(() => (require('../backup') as typeof Backup).runBackup));
  return withJson(withTemporal(withCluster(command)));
}

/** Works on the repositories alone: needs neither Temporal nor Vault. */
export function backupsCommand(): Command {
  const list = verb(
    'list',
    'List the newest backups of a cluster',
    'vault-dr backups list --cluster prod\nvault-dr backups list --cluster prod --limit 50',
  )
    .option('--limit <count>', 'how many of the newest', parseLimit, 10)
    .addOption(new Option('--all', 'every backup').conflicts('limit'))
    .action(lazily(() => (require('../backups-list') as typeof List).runList));
  const show = verb('show', 'Print the manifest of one backup', 'vault-dr backups show latest --cluster prod')
    .argument('<backup>', 'its id, or latest')
    .action(lazily(() => (require('../backups-show') as typeof Show).runShow));
  const verify = verb(
    'verify',
    'Read copies end to end and check their integrity',
    'vault-dr backups verify latest --cluster prod\nvault-dr backups verify all --cluster prod --repair',
  )
    .argument('[backup]', 'its id, or latest, or all', 'latest')
    .option('--chain', 'follow the chain of manifests only; read no snapshot')
    .option('--repair', 'copy good backups to where they are missing; overwrites nothing')
    .action(lazily(() => (require('../backups-verify') as typeof Verify).runVerify));
  const diff = verb(
    'diff',
    'Compare two backups by their signed manifests',
    'vault-dr backups diff 20261123T040000Z-000000001234-0a1b2c3d latest --cluster prod',
  )
    .argument('<from>', 'id of the first one, or latest')
    .argument('[to]', 'id of the other one, or latest', 'latest')
    .action(lazily(() => (require('../backups-diff') as typeof Diff).runDiff));
  const prune = verb(
    'prune',
    'Apply the retention now, as each backup does',
    'vault-dr backups prune --cluster prod --dry-run',
  )
    .option('--dry-run', 'show what would stay and what would be removed, and why')
    .action(lazily(() => keeping().runPrune));
  const pin = verb(
    'pin',
    'Keep a backup, whatever the retention says',
    "vault-dr backups pin latest --cluster prod --reason 'before the migration'",
  )
    .argument('<backup>', 'its id, or latest')
    .requiredOption('--reason <text>', 'why, for whoever finds the pin later', parseReason)
    .action(lazily(() => keeping().pinRunner('pinned')));
  const unpin = verb(
    'unpin',
    'End a pin; the retention decides again',
    "vault-dr backups unpin latest --cluster prod --reason 'the migration is done'",
  )
    .argument('<backup>', 'its id, or latest')
    .requiredOption('--reason <text>', 'why, for the record', parseReason)
    .action(lazily(() => keeping().pinRunner('unpinned')));
  const importing = withFacts(
    verb(
      'import',
      'Store snapshots that another tool made as backups',
      'vault-dr backups import /mnt/nas/vault-2026-11-23.snap --cluster prod\nvault-dr backups import s3://old-backups/vault/ --cluster prod',
    )
      .argument('<source>', 'a file, a directory, or s3://bucket/prefix')
      .action(lazily(() => (require('../import/command') as typeof Import).runImport)),
  );
  for (const command of [pin, unpin, importing]) withOperator(command);
  // The alias is the older name, still used on disk and in JSON.
  const parent = family('backups', 'List, verify, compare, keep, prune and import backups').alias('generations');
  for (const command of [list, show, verify, diff, importing, prune, pin, unpin]) {
    parent.addCommand(withJson(withConfig(withCluster(command))));
  }
  return parent;
}

/** Uses only the repositories and this host: needs neither Temporal nor Vault. */
export function bundleCommand(): Command {
  const show = verb(
    'show',
    'Compare the files of a node in a backup with those on this host',
    'vault-dr bundle show latest --cluster prod --node vault-1 --identity backup-identity.txt',
  ).action(lazily(() => bundle().runBundle));
  const restore = verb(
    'restore',
    'Write the files of a node back, on its host; dry without --apply',
    'vault-dr bundle restore latest --cluster prod --node vault-1 --identity backup-identity.txt --apply',
  )
    .option('--apply', 'write what differs; the previous file is kept as FILE.pre-restore-BACKUP')
    .option(
      '--unsigned',
      'also write files without the signature of the configured agent, as after the host was replaced',
    )
    .action(lazily(() => bundle().runBundle));
  const fetch = verb(
    'fetch',
    'Copy the encrypted files of a node to a directory',
    'vault-dr bundle fetch latest --cluster prod --node vault-1 --to vault-1-bundle',
  )
    .requiredOption('--to <directory>', 'where to copy them; created if missing')
    .action(lazily(() => bundle().runFetch));
  const parent = family('bundle', "Compare and restore the nodes' configuration files");
  for (const command of [show, restore]) {
    command
      .option('--from <directory>', 'directory filled by `bundle fetch`, instead of the repositories')
      .addOption(
        repeatable(
          new Option(
            '--identity <file>',
            'age identity or OpenSSH private key (repeatable); default: restore.identities of the configuration',
          ),
        ),
      );
  }
  for (const command of [show, restore, fetch]) {
    command.argument('<backup>', 'its id, or latest');
    parent.addCommand(withJson(withConfig(withNode(withCluster(command), 'node whose files they are'))));
  }
  return parent;
}

function keeping(): typeof Keep {
  return require('../backups-keep') as typeof Keep;
}

function bundle(): typeof Bundle {
  return require('../bundle') as typeof Bundle;
}

/** @throws InvalidArgumentError */
function parseLimit(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number from 1 to 999999.');
}

/** @throws DrError InvalidInput if the reason is empty. */
function parseReason(text: string): string {
  if (text.trim() !== '') return text.trim();
  throw new DrError('InvalidInput', '--reason is empty. Say why, for whoever finds the pin later.');
}
