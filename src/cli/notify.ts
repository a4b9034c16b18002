import { randomUUID } from 'node:crypto';
import { loadConfig } from '../config/load';
import type { Config } from '../config/schema';
import { DrError, isDrError } from '../contract/failures';
import { COMMAND_CHANNEL, type Notification } from '../contract/notification';
import { type ChannelResult, deliver } from '../notify/deliver';
import { renderTable, style } from '../terminal';
import { note, print, printJson } from './output';
import { type CommonOptions, EXIT } from './program';

interface TestOptions extends CommonOptions {
  channel?: string;
}

/** Sends a test message through each channel, from this host, with the code that delivers notifications. */
export async function runNotifyTest(options: TestOptions): Promise<void> {
  const config = await loadConfig(options.config);
  const names = channelsOf(config).filter((name) => options.channel === undefined || name === options.channel);
  if (names.length === 0) throw nothingToTest(config, options.channel);
  const run = randomUUID();
  const results = await Promise.all(names.map((name) => tryChannel(config, name, run)));
  if (options.json) printJson('notify-test', { channels: results });
  else print(resultTable(results));
  const failed = results.filter(({ delivered }) => !delivered);
  for (const { channel, advice } of failed) if (advice) note(`${channel}: ${advice}`);
  if (failed.length > 0) process.exitCode = EXIT.failed;
}

async function tryChannel(config: Config, channel: string, run: string): Promise<ChannelResult> {
  const type = config.notify?.channels?.[channel]?.type ?? COMMAND_CHANNEL;
  const isAlert = type === 'pagerduty' || type === 'opsgenie';
  const cluster = clusterFor(config, channel);
  const notification: Notification = {
    id: `${run}/test`,
    event: 'test',
    cluster,
    run,
    text: 'This is a test of vault-dr. There is nothing to do.',
    alternates: [],
  };
  try {
    const answer = await deliver(config, { channel, notification, at: Date.now() });
    // Nobody is to be left with an alert of a test.
    if (isAlert)
      await deliver(config, { channel, notification: { ...notification, event: 'test over' }, at: Date.now() });
    return { channel, type, delivered: true, answer, advice: null };
  } catch (error) {
    const advice = isDrError(error) ? (error.advice ?? null) : null;
    return { channel, type, delivered: false, answer: (error as Error).message.replace(/\.$/, ''), advice };
  }
}

/** One that it takes. */
function clusterFor({ clusters, notify }: Config, channel: string): string {
  return notify?.channels?.[channel]?.clusters?.[0] ?? Object.keys(clusters)[0] ?? 'none';
}

function channelsOf({ notify }: Config): string[] {
  return [...(notify?.command ? [COMMAND_CHANNEL] : []), ...Object.keys(notify?.channels ?? {})];
}

function nothingToTest(config: Config, asked: string | undefined): DrError {
  const known = channelsOf(config);
  const what = asked === undefined ? 'The configuration has no channel' : `There is no channel '${asked}'`;
  return new DrError('InvalidConfiguration', `${what}: nobody is notified.`, {
    advice: known.length === 0 ? 'Set notify.channels.' : `Channels: ${known.join(', ')}`,
  });
}

export function resultTable(results: readonly ChannelResult[], stream: NodeJS.WriteStream = process.stdout): string {
  const rows = results.map(({ channel, type, delivered, answer }) => [
    channel,
    type,
    style(delivered ? 'green' : 'red', delivered ? 'delivered' : 'failed', stream),
    answer,
  ]);
  return renderTable(['channel', 'type', '', 'answer'], rows);
}
