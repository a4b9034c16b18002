import { type Command, Option } from 'commander';
import type * as Audit from '../audit';
import type * as DrillRun from '../drill-run';
import type * as Notify from '../notify';
import type * as Evidence from '../evidence';
import type * as Inspect from '../inspect';
import type * as Kit from '../kit';
import type * as Metrics from '../metrics';
import {
  family,
  lazily,
  repeatable,
  verb,
  withCluster,
  withConfig,
  withJson,
  withOperator,
  withTemporal,
} from '../program';
import type * as Ready from '../ready';
import type * as Repository from '../repository';
import type * as RollCall from '../roll-call';
import { parseDuration } from './values';

export function readyCommand(): Command {
  const command = verb(
    'ready',
    'Say whether a cluster could be restored now',
    'vault-dr ready --cluster prod\nvault-dr ready --cluster prod --last',
  )
    .addOption(new Option('--last', 'print the result of the last evaluation, and make none'))
    .addOption(new Option('--all', 'print the checks that passed as well'))
    .action(lazily(() => (require('../ready') as typeof Ready).runReady));
  return withJson(withOperator(withTemporal(withCluster(command))));
}

/** What does not answer is missing in it. */
export function metricsCommand(): Command {
  const command = verb(
    'metrics',
    'Print metrics for Prometheus, or write them to a file',
    'vault-dr metrics --textfile /var/lib/prometheus/node-exporter/vault-dr.prom\nvault-dr metrics --cluster prod',
  )
    .addOption(repeatable(new Option('--cluster <name>', 'cluster of the configuration; default: all')))
    .addOption(new Option('--textfile <file>', "for node_exporter's textfile collector; its name ends in .prom"))
    .action(lazily(() => (require('../metrics') as typeof Metrics).runMetrics));
  return withTemporal(withConfig(command));
}

/** Works on configuration and repositories alone. */
export function kitCommand(): Command {
  const command = verb(
    'kit',
    'Print what brings a cluster back without vault-dr',
    'vault-dr kit --cluster prod\nvault-dr kit --cluster prod --directory /root/kit',
  )
    .addOption(new Option('--directory <path>', 'write a PDF and a text there; default: print the text'))
    .action(lazily(() => (require('../kit') as typeof Kit).runKit));
  return withJson(withConfig(withCluster(command)));
}

/** Needs no server of the cluster. */
export function drillCommand(): Command {
  const command = verb(
    'drill',
    'Load a backup into a Vault that can reach nothing',
    'vault-dr drill --cluster prod\nvault-dr drill --cluster prod --unseal\nvault-dr drill --cluster prod --remote',
  )
    .addOption(
      new Option('--remote', 'as a run in Temporal, on any sandbox host; follows it, and Ctrl-C leaves it running'),
    )
    .addOption(new Option('--backup <id>', 'backup, or latest; default: as `drill.backup` says'))
    .addOption(new Option('--from <repository>', 'repository to fetch it from; default: as `drill.from` says'))
    .addOption(new Option('--unseal', 'ask for the original shares, unseal it, and read the canary'))
    .addOption(
      new Option(
        '--wait <time>',
        'with --remote and --unseal: for how long shares are waited for; default: 24h',
      ).argParser(parseDuration),
    )
    .action(lazily(() => (require('../drill-run') as typeof DrillRun).runAnyDrill));
  return withJson(withOperator(withConfig(withTemporal(withCluster(command)))));
}

export function rollCallCommand(): Command {
  const command = verb(
    'roll-call',
    'Find out which key holders still have their shares',
    'vault-dr roll-call --cluster prod --wait 8h\nvault-dr roll-call --cluster prod --show',
  )
    .addOption(new Option('--wait <time>', 'for how long shares are waited for; default: 24h').argParser(parseDuration))
    .option('--detach', 'start it, and do not follow it')
    .addOption(
      new Option('--show', 'print whose shares are proved, from the repositories').conflicts(['detach', 'wait']),
    )
    .action(lazily(() => (require('../roll-call') as typeof RollCall).runRollCall));
  return withJson(withOperator(withConfig(withTemporal(withCluster(command)))));
}

/** Needs no server and no configuration. */
export function inspectCommand(): Command {
  const command = verb(
    'inspect',
    'Read any snapshot end to end, and show what it holds',
    'vault-dr inspect snapshot.snap.age --identity backup-identity.txt\nvault operator raft snapshot save /dev/stdout | vault-dr inspect -',
  )
    .argument('<file>', 'snapshot, unencrypted or encrypted with age or OpenPGP; - for standard input')
    .addOption(
      repeatable(
        new Option(
          '--identity <file>',
          'age identity or OpenSSH private key (repeatable); for OpenPGP the keys of gpg are used (GNUPGHOME)',
        ),
      ),
    )
    .action(lazily(() => (require('../inspect') as typeof Inspect).runInspect));
  return withJson(command);
}

export function repositoryCommand(): Command {
  const check = verb(
    'check',
    'Test what a repository really does, and what you can rely on',
    'vault-dr repository check offsite',
  )
    .argument('<name>', 'repository of the configuration')
    .action(lazily(() => (require('../repository') as typeof Repository).runCheck));
  return family('repository', 'Test the directories and buckets that keep the backups').addCommand(
    withJson(withConfig(check)),
  );
}

export function notifyCommand(): Command {
  const test = verb(
    'test',
    'Send a test message through each channel, from this host',
    'vault-dr notify test\nvault-dr notify test --channel ops',
  )
    .addOption(new Option('--channel <name>', 'only through this one'))
    .action(lazily(() => (require('../notify') as typeof Notify).runNotifyTest));
  return family('notify', 'Test the channels that notify people').addCommand(withJson(withConfig(test)));
}

export function auditCommand(): Command {
  const verify = verb(
    'verify',
    'Check the hash chain of an audit trail against the repositories',
    'vault-dr audit verify\nvault-dr audit verify copy-of-audit.jsonl',
  )
    .argument('[file]', "a copy of a trail, checked on its own; default: the controller's trail")
    .action(lazily(() => (require('../audit') as typeof Audit).runVerify));
  return family('audit', 'Check the trail of who did what to the clusters').addCommand(withJson(withConfig(verify)));
}

/** Needs no server of the cluster. */
export function evidenceCommand(): Command {
  const command = verb(
    'evidence',
    'Write a signed document of a period, for auditors',
    'vault-dr evidence --cluster prod --from 2026-10-01 --to 2026-12-31 --pdf',
  )
    .requiredOption('--from <date>', 'beginning of the period, such as 2026-10-01 (UTC), or a time (RFC 3339)')
    .option('--to <date>', 'its end; a date means the whole day; default: now')
    .option('--directory <path>', 'where to write it, empty or missing; default: one named after cluster and period')
    .option('--pdf', 'write a PDF as well')
    .option('--no-read', 'read no copy: whether they are whole is then not checked')
    .action(lazily(() => (require('../evidence') as typeof Evidence).runEvidence));
  return withJson(withOperator(withConfig(withCluster(command))));
}
