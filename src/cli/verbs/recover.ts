import { type Command, Option } from 'commander';
import type * as Decisions from '../decisions';
import {
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
import type * as RecoverRun from '../recover-run';
import type * as Report from '../report';
import type * as Restore from '../restore';
import type * as RollBack from '../roll-back';
import type * as Status from '../status';
import { withFacts, withRecovery, withRemovals } from './options';
import { parseDuration } from './values';

export function statusCommand(): Command {
  const command = verb(
    'status',
    'Show the progress of a recovery, and what it waits for',
    'vault-dr status --cluster prod --follow',
  )
    .option('--backup', 'show the backup that was started by hand instead')
    .addOption(new Option('--drill', 'show the drill that runs as a run instead').conflicts('backup'))
    .addOption(
      new Option('--roll-call', 'show the roll-call of the key holders instead').conflicts(['backup', 'drill']),
    )
    .addOption(
      new Option('--recover', 'show what `recover --remote` waits for instead').conflicts([
        'backup',
        'drill',
        'rollCall',
      ]),
    )
    .option('--follow', 'keep showing it until it ends; Ctrl-C leaves it running')
    .action(lazily(() => (require('../status') as typeof Status).runStatus));
  return withJson(withTemporal(withCluster(command)));
}

export function restoreCommand(): Command {
  const command = verb(
    'restore',
    'Restore a cluster from a backup; plans first',
    'vault-dr restore --cluster prod --plan\nvault-dr restore --cluster prod',
  )
    .option('--backup <id>', 'id of the backup to restore', 'latest')
    .addOption(new Option('--generation <id>', 'the same as --backup').conflicts('backup').hideHelp())
    .option('--snapshot <file>', 'a snapshot that another tool made, or s3://bucket/key: imported first, on this host')
    .option('--as-of <time>', 'the newest backup captured at or before this time (RFC 3339)')
    .option('--plan', 'print the plan, or every reason for a refusal, and change nothing')
    .option('--into <cluster>', 'restore the backup of --cluster into this other cluster of the configuration')
    .option('--in-place', 'load it into the running cluster, whose data is wrong: nothing is stopped or unsealed')
    .option('--drill', 'a rehearsal, with the approvals of restore.drills in the configuration')
    .option('--quiet', 'the first node comes up behind a fence, reached by nobody, until `vault-dr go-live`')
    .action(lazily(() => restoring().runRestore));
  return withFacts(withRecovery(withConfig(withRemovals(command, 'with --in-place: '))), 'With --snapshot:');
}

export function recoverQuorumCommand(): Command {
  const command = verb(
    'recover-quorum',
    'Recover a cluster without quorum from a disk that survived',
    'vault-dr recover-quorum --cluster prod',
  ).action(lazily(() => restoring().runRecoverQuorum));
  return withRecovery(command);
}

export function rebuildNodeCommand(): Command {
  const command = verb(
    'rebuild-node',
    'Rebuild one node from scratch while the others serve',
    'vault-dr rebuild-node --cluster prod --node vault-3',
  ).action(lazily(() => restoring().runRebuildNode));
  return withRecovery(withRemovals(withNode(command, 'node to rebuild')));
}

/** Needs no Temporal without --remote; Vault alone to write back. */
export function recoverCommand(): Command {
  const command = verb(
    'recover',
    'Bring a single secret, policy or role back from a backup',
    'vault-dr recover --cluster prod --path secret/app/db --recipient age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p --to-file db.age\nvault-dr recover --cluster prod --path secret/app/db --write-back\nvault-dr recover --cluster prod --path secret/app/db --write-back --remote',
  )
    .addOption(
      repeatable(
        new Option(
          '--path <path>',
          'secret/app/db, secret/app/ with all below it, sys/policies/acl/NAME, auth/approle/role/NAME, sys/mounts/NAME (repeatable)',
        ).makeOptionMandatory(),
      ),
    )
    .option('--backup <id>', 'id of the backup, or latest', 'latest')
    .option('--from <repository>', 'repository to fetch it from; default: the first that has it')
    .option('--versions <which>', 'latest, all, or the number of one: of KV version 2', 'latest')
    .option('--deleted', 'also versions that were deleted when the backup was made, and not destroyed')
    .addOption(
      repeatable(
        new Option('--recipient <key>', 'age recipient or SSH key that it is encrypted to: yours (repeatable)'),
      ),
    )
    .option('--to-file <file>', 'where the encrypted result goes; default: standard output')
    .option('--write-back', 'write it into the running cluster, with your own token: VAULT_TOKEN, or asked for')
    .option('--to <path>', 'with --write-back: another path than that of the backup')
    .option('--plan', 'with --write-back: compare, and write nothing')
    .option('--without-check-and-set', 'with --write-back: also where Vault cannot refuse a write that comes too late')
    .option('--yes', 'with --write-back: write without asking')
    .option('--remote', 'as a run in Temporal, on any sandbox host: approvers sign for it, holders submit their shares')
    .addOption(
      new Option(
        '--wait <time>',
        'with --remote: for how long approvals and shares are waited for; default: 24h',
      ).argParser(parseDuration),
    )
    .action(lazily(() => (require('../recover-run') as typeof RecoverRun).runAnyRecover));
  return withJson(withOperator(withConfig(withTemporal(withCluster(command)))));
}

export function resumeCommand(): Command {
  const command = verb('resume', 'Try the parked steps of a recovery again', 'vault-dr resume --cluster prod').action(
    lazily(() => decisions().runResume),
  );
  return withJson(withOperator(withTemporal(withCluster(command))));
}

export function goLiveCommand(): Command {
  const command = verb(
    'go-live',
    'Let the first node of a quiet restore be reached',
    'vault-dr go-live --cluster prod',
  ).action(lazily(() => decisions().runGoLive));
  return withJson(withOperator(withTemporal(withCluster(command))));
}

export function skipNodeCommand(): Command {
  const command = verb(
    'skip-node',
    'Continue a recovery without one of its nodes',
    'vault-dr skip-node --cluster prod --node vault-3',
  ).action(lazily(() => decisions().runSkipNode));
  const complete = withNode(withCluster(command), 'a node that the status names as one to skip');
  return withJson(withOperator(withTemporal(complete)));
}

export function rollBackCommand(): Command {
  const example = 'vault-dr roll-back --cluster prod';
  const command = verb(
    'roll-back',
    'Put the previous data back and start the old cluster',
    `${example}\n${example} --of 01a20752-189b-7247-a8d0-708bed2469e6`,
  )
    .option('--of <run>', 'a run that Temporal lost; its id is in the plan of a restore')
    .action(lazily(() => (require('../roll-back') as typeof RollBack).runRollBack));
  return withRecovery(command);
}

export function abortCommand(): Command {
  const command = verb(
    'abort',
    'End a recovery before its first node is stopped',
    'vault-dr abort --cluster prod',
  ).action(lazily(() => decisions().runAbort));
  return withJson(withOperator(withTemporal(withCluster(command))));
}

export function reportCommand(): Command {
  const command = verb(
    'report',
    'Print the report of a recovery that ended, as Markdown',
    'vault-dr report --cluster prod >restore-report.md',
  )
    .option('--run <id>', 'run of the recovery; default: the latest')
    .option('--stored', 'as it is in the repositories, signed: without Temporal')
    .action(lazily(() => (require('../report') as typeof Report).runReport));
  return withJson(withTemporal(withConfig(withCluster(command))));
}

export function removeSetAsideCommand(): Command {
  const command = verb(
    'remove-set-aside',
    'Delete the data directories that a recovery set aside',
    'vault-dr remove-set-aside --cluster prod --run 01a20752-189b-7247-a8d0-708bed2469e6',
  )
    .requiredOption('--run <id>', 'run of the recovery; its id is in the report')
    .action(lazily(() => restoring().runRemoveSetAside));
  return withRecovery(command);
}

function restoring(): typeof Restore {
  return require('../restore') as typeof Restore;
}

function decisions(): typeof Decisions {
  return require('../decisions') as typeof Decisions;
}
