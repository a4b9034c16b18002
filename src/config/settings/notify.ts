import { z } from 'zod';
import { COMMAND_CHANNEL, NOTIFICATION_EVENTS, SEVERITIES } from '../../contract/notification';
import { command, httpsUrl, name, path, secretSource } from './values';

/** One address, without a name: nothing in it can end a header or add a recipient. */
const mailbox = z
  .string()
  .max(254)
  .regex(/^[^\s@<>(),;:"\\[\]]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'must be an address such as ops@example.com');

const hostname = z.string().regex(/^[A-Za-z0-9.:-]{1,253}$/, 'must be the name or address of a host');

const secretUrl = secretSource.describe('The `https:` address, which is a secret: it lets anybody post there.');
const apiUrl = httpsUrl.refine((url) => !URL.canParse(url) || new URL(url).protocol === 'https:', {
  error: 'must begin with https://',
});

const kind = <T extends string>(type: T) => z.literal(type).describe('What kind of channel it is.');

const common = {
  clusters: z.array(name).min(1).optional().describe('Clusters whose notifications it takes. Default: all.'),
  severity: z
    .enum(SEVERITIES, { error: "must be 'info', 'warning' or 'critical'" })
    .default('info')
    .describe('Takes only what is at least as severe.'),
  events: z
    .array(z.enum(NOTIFICATION_EVENTS))
    .min(1)
    .optional()
    .describe('Takes exactly these, whatever their severity. Default: all but those that say that all is well.'),
};
const https = {
  caFile: path.optional().describe("PEM of the CA of the server's certificate. Default: the system's."),
};

type Template = string | number | boolean | null | Template[] | { [key: string]: Template };

const webhook = z.strictObject({
  type: kind('webhook'),
  url: secretUrl,
  secret: secretSource.describe('Key of the signature: any text, or `whsec_` and base64.'),
  template: z
    .record(z.string(), z.json() as z.ZodType<Template>)
    .optional()
    .describe('The JSON to send; `{text}` and the like in its texts are filled in. Default: the whole notification.'),
  ...https,
  ...common,
});

const chat = <T extends string>(type: T) => z.strictObject({ type: kind(type), url: secretUrl, ...https, ...common });

const pagerduty = z.strictObject({
  type: kind('pagerduty'),
  routingKey: secretSource.describe('Integration key of a service (Events API v2).'),
  url: apiUrl.default('https://events.pagerduty.com').describe('In the EU: `https://events.eu.pagerduty.com`.'),
  ...https,
  ...common,
});

const opsgenie = z.strictObject({
  type: kind('opsgenie'),
  apiKey: secretSource.describe('Key of an API integration.'),
  url: apiUrl.default('https://api.opsgenie.com').describe('In the EU: `https://api.eu.opsgenie.com`.'),
  ...https,
  ...common,
});

const ping = z.strictObject({
  type: kind('ping'),
  url: secretUrl,
  of: z
    .enum(['backups', 'evaluations'], { error: "must be 'backups' or 'evaluations'" })
    .default('backups')
    .describe('What it hears of.'),
  clusters: z
    .array(name)
    .length(1, 'must name one cluster: with several, one that is silent would not be noticed')
    .describe('The cluster that it watches.'),
  ...https,
});

const email = z
  .strictObject({
    type: kind('email'),
    host: hostname.describe('SMTP server.'),
    port: z.int().min(1).max(65_535).optional().describe('Default: 587, with `tls: implicit` 465.'),
    tls: z
      .enum(['starttls', 'implicit'], { error: "must be 'starttls' or 'implicit'" })
      .default('starttls')
      .describe('Nothing is sent without TLS. `implicit`: from the first byte on.'),
    ...https,
    user: z.string().min(1).max(320).optional().describe('Default: no login.'),
    password: secretSource.optional().describe('Required with `user`.'),
    from: mailbox.describe('Sender.'),
    to: z.array(mailbox).min(1).max(50).describe('Recipients.'),
    ...common,
  })
  .refine(({ user, password }) => (user === undefined) === (password === undefined), {
    error: 'must have both user and password, or neither',
  });

const channel = z.discriminatedUnion(
  'type',
  [webhook, email, chat('slack'), chat('teams'), pagerduty, opsgenie, ping],
  { error: 'must have a type: webhook, email, slack, teams, pagerduty, opsgenie or ping' },
);

export const notify = z
  .strictObject({
    command: command
      .optional()
      .describe(
        'Command and arguments. The controller runs it with a JSON document on standard input, for at most 10 seconds.',
      ),
    channels: z
      .record(
        name.refine((value) => value !== COMMAND_CHANNEL, `'${COMMAND_CHANNEL}' is what notify.command is called`),
        channel,
      )
      .optional()
      .describe('Where to, by name.'),
  })
  .refine(({ command: one, channels }) => one !== undefined || Object.keys(channels ?? {}).length > 0, {
    error: 'must have a command, or channels',
  });

export type NotifyConfig = z.infer<typeof notify>;
export type ChannelConfig = z.infer<typeof channel>;
export type HttpChannel = Exclude<ChannelConfig, { type: 'email' }>;
export type EmailChannel = Extract<ChannelConfig, { type: 'email' }>;
