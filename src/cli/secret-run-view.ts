import type { Client } from '@temporalio/client';
import { formatCount, formatSeconds } from '../contract/format';
import { printable } from '../contract/printable';
import type { PathRead, SecretReport } from '../contract/secret-run';
import { describeSecretRun, secretLine } from '../contract/voice/secret-run-text';
import { describeRun, resultOf, type SecretHandle, secretHandle, secretProgress } from '../temporal/runs';
import { style } from '../terminal';
import { follow } from './follow';
import { note, print, printJson } from './output';
import type { CommonOptions } from './program';
import { renderSandboxRun } from './sandbox-run-view';

/** What `vault-dr status --recover` prints. */
export async function showSecretRun(
  client: Client,
  cluster: string,
  options: CommonOptions & { follow?: boolean },
): Promise<void> {
  const handle = secretHandle(client, cluster);
  if (options.follow) {
    const report = await followed(handle, resultOf(handle));
    if (options.json) return printJson('recover-report', { ...report, file: null, writeBack: null });
    note(rendered(report));
    return print(armored(report));
  }
  const description = await describeRun(handle);
  const progress = await secretProgress(handle);
  if (options.json) printJson('recover-progress', { execution: description.status.name, ...progress });
  else print(renderSandboxRun(describeSecretRun(progress), description));
}

/** Follows such a run to its end. */
export async function followed(handle: SecretHandle, result: Promise<SecretReport>): Promise<SecretReport> {
  const line = async () => {
    const progress = await secretProgress(handle);
    const next = describeSecretRun(progress).commands.map(({ label, vaultDr }) => `. ${label} ${vaultDr}`);
    return printable(`${secretLine(progress)}${next.join('')}`);
  };
  return follow<SecretReport>({ result, inspect: line, line });
}

export function rendered(report: SecretReport): string {
  const { cluster, plan, repository, host, paths, machineSeconds, humanSeconds, warnings } = report;
  return [
    printable(
      `${cluster}: ${formatCount(itemsOf(report), 'item')} of ${plan.generation} from ${repository}, read on ${host}`,
    ),
    ...paths.map(renderPath),
    `  in all    ${formatSeconds(Math.round(machineSeconds))}, and ${formatSeconds(Math.round(humanSeconds))} of waiting for people`,
    ...warnings.map((text) => style('yellow', `! ${printable(text)}`, process.stderr)),
  ].join('\n');
}

function renderPath({ path, items, versions, missing }: PathRead): string {
  if (missing !== null) return style('yellow', printable(`  ${path}: not in the backup (${missing})`), process.stderr);
  const named = versions.flatMap(({ version, state }) => (version === null ? [] : [`version ${version} ${state}`]));
  return printable(`  ${path}: ${named.length > 0 ? named.join(', ') : formatCount(items, 'item')}`);
}

/** The ciphertext. Whoever may start a run has it end with what they like; an armored file is unchanged. */
export function armored({ sealed }: Pick<SecretReport, 'sealed'>): string {
  return sealed.split('\n').map(printable).join('\n');
}

export function itemsOf({ paths }: SecretReport): number {
  return paths.reduce((sum, { items }) => sum + items, 0);
}
