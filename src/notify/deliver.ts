import { readFile } from 'node:fs/promises';
import type { ChannelConfig, Config, HttpChannel } from '../config/schema';
import { readSecret } from '../config/secret';
import { DrError } from '../contract/failures';
import { COMMAND_CHANNEL, type Notification } from '../contract/notification';
import { sendNotification } from './command';
import { mailOf } from './mail';
import { type Message, messageOf } from './message';
import { post } from './post';
import { json, opsgeniePost, pagerdutyPost, pingPost, type Post, slackPost, teamsPost, withPath } from './render';
import { sendMail } from './send-mail';
import { signatureHeaders } from './sign';
import { filledIn } from './template';

export interface Delivery {
  channel: string;
  notification: Notification;
  /** When the run said it; milliseconds since the epoch, the same for each attempt. */
  at: number;
  signal?: AbortSignal;
}

/** Of a test message. */
export interface ChannelResult {
  channel: string;
  type: string;
  delivered: boolean;
  /** What came back, or what is wrong. */
  answer: string;
  /** What to do; null if it was delivered. */
  advice: string | null;
}

/**
 * One attempt through one channel. A receiver knows a repeated one by its id.
 * @returns what came back, for people
 * @throws DrError
 */
export async function deliver({ notify }: Pick<Config, 'notify'>, delivery: Delivery): Promise<string> {
  const { channel: name, notification, at, signal } = delivery;
  if (name === COMMAND_CHANNEL && notify?.command !== undefined) {
    await sendNotification(notify.command, notification);
    return 'the command ended with 0';
  }
  const { channels = {} } = notify ?? {};
  const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
  if (channel === undefined) {
    throw new DrError('InvalidConfiguration', `There is no channel '${name}' in the configuration.`, {
      advice: `Channels: ${[...(notify?.command ? [COMMAND_CHANNEL] : []), ...Object.keys(channels)].join(', ')}`,
    });
  }
  const message = messageOf(notification, at);
  const caPem = await caOf(name, channel);
  if (channel.type === 'email') {
    await sendMail(name, channel, mailOf(message, channel), caPem);
    return 'the server took the message';
  }
  const request = await requestOf(name, channel, message);
  return `it answered with ${await post({ ...request, caPem, signal })}`;
}

async function requestOf(name: string, channel: HttpChannel, message: Message) {
  const secretOf = (source: Parameters<typeof readSecret>[0], setting: string) =>
    readSecret(source, `notify.channels.${name}.${setting}`);
  const address = typeof channel.url === 'string' ? channel.url : await secretOf(channel.url, 'url');
  switch (channel.type) {
    case 'webhook': {
      const made = json('', channel.template === undefined ? message : filledIn(channel.template, message));
      const secret = await secretOf(channel.secret, 'secret');
      const seconds = Math.floor(Date.now() / 1_000);
      return requestWith(address, made, signatureHeaders(secret, message.id, seconds, made.body));
    }
    case 'slack':
      return requestWith(address, slackPost(message));
    case 'teams':
      return requestWith(address, teamsPost(message));
    case 'pagerduty':
      return requestWith(address, pagerdutyPost(message, await secretOf(channel.routingKey, 'routingKey')));
    case 'opsgenie': {
      const key = await secretOf(channel.apiKey, 'apiKey');
      return requestWith(address, opsgeniePost(message), { authorization: `GenieKey ${key}` });
    }
    case 'ping':
      return requestWith(address, pingPost(message));
  }
}

function requestWith(address: string, { path, body, contentType }: Post, headers: Record<string, string> = {}) {
  // What is no address is refused where it is used.
  const full = URL.canParse(address) ? withPath(address, path) : address;
  return { address: full, body, headers: { 'content-type': contentType, ...headers } };
}

async function caOf(name: string, { caFile }: ChannelConfig): Promise<string | undefined> {
  if (caFile === undefined) return undefined;
  try {
    return await readFile(caFile, 'utf8');
  } catch (error) {
    const { code = 'failed' } = error as NodeJS.ErrnoException;
    throw new DrError('InvalidConfiguration', `notify.channels.${name}.caFile: ${caFile} can't be read (${code}).`, {
      advice: 'Check that file.',
    });
  }
}
