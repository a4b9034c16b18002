import { bounded, lineOf, type Message, titleOf } from './message';

/** What is posted; nothing in it depends on the time or on chance, so that a repeated attempt says the same. */
export interface Post {
  /** After the configured address. */
  path: string;
  body: string;
  contentType: 'application/json' | 'text/plain; charset=utf-8';
}

// Limits of the services.
const LONGEST_SUMMARY = 1_024;
const LONGEST_ALERT = 130;
const EMOJI = { info: '🔵', warning: '🟠', critical: '🔴' } as const;

/**
 * For Slack, Mattermost and what takes the same. Within a block of code nobody is mentioned, and nothing becomes a link, a picture or
 * a format; quotes of code could end the block.
 */
export function slackPost(message: Message): Post {
  const mark = message.state === 'over' ? '🟢' : EMOJI[message.severity];
  const text = escapeSlack(lineOf(message)).replaceAll('`', "'");
  return json('', { text: `${mark} *${titleOf(message)}*\n\`\`\`\n${text}\n\`\`\`` });
}

/** What Slack itself asks to have escaped. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** An Adaptive Card, for a workflow of Teams that posts what it gets. In a text run nothing is a format or a link. */
export function teamsPost(message: Message): Post {
  const run = (text: string, style: object) => ({
    type: 'RichTextBlock',
    inlines: [{ type: 'TextRun', text, ...style }],
  });
  const colours = { info: 'accent', warning: 'warning', critical: 'attention' } as const;
  const color = message.state === 'over' ? 'good' : colours[message.severity];
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body: [
      run(titleOf(message), { weight: 'bolder', color }),
      run(lineOf(message), { fontType: 'monospace' }),
      run(`${message.at} · run ${message.run}`, { isSubtle: true, size: 'small' }),
    ],
  };
  const contentType = 'application/vnd.microsoft.card.adaptive';
  return json('', { type: 'message', attachments: [{ contentType, contentUrl: null, content }] });
}

/** Events API v2. Whatever is over resolves what has the same key; it takes that for something that never began, too. */
export function pagerdutyPost(message: Message, routingKey: string): Post {
  const event = { routing_key: routingKey, dedup_key: message.key };
  if (message.state === 'over') return json('/v2/enqueue', { ...event, event_action: 'resolve' });
  return json('/v2/enqueue', {
    ...event,
    event_action: 'trigger',
    client: 'vault-dr',
    payload: {
      summary: bounded(`${titleOf(message)}: ${message.text}`, LONGEST_SUMMARY),
      source: message.cluster,
      severity: message.severity,
      timestamp: message.at,
      component: 'vault',
      group: message.cluster,
      class: message.event,
      custom_details: { text: message.text, run: message.run, alternates: message.alternates.join(', ') },
    },
  });
}

/** Alert API. The alias is what PagerDuty calls a key; its slashes would be part of the path. */
export function opsgeniePost(message: Message): Post {
  const alias = message.key.replaceAll('/', ':');
  if (message.state === 'over') {
    const path = `/v2/alerts/${encodeURIComponent(alias)}/close?identifierType=alias`;
    return json(path, { source: 'vault-dr', note: message.text });
  }
  return json('/v2/alerts', {
    message: bounded(`${titleOf(message)}: ${message.text}`, LONGEST_ALERT),
    alias,
    description: lineOf(message),
    source: 'vault-dr',
    entity: message.cluster,
    priority: message.severity === 'critical' ? 'P1' : 'P3',
    tags: ['vault-dr', message.cluster],
    details: { event: message.event, run: message.run, at: message.at },
  });
}

const PINGS: Readonly<Record<string, string>> = {
  'backup started': '/start',
  // Is only kept in the log: a test is no sign of life.
  test: '/log',
  'backup failed': '/fail',
  'evaluated as not ready': '/fail',
  'evaluation failed': '/fail',
};

/** For services that raise the alarm when they hear nothing. Whatever has no path of its own is a success. */
export function pingPost(message: Message): Post {
  return { path: PINGS[message.event] ?? '', body: lineOf(message), contentType: 'text/plain; charset=utf-8' };
}

export function json(path: string, body: unknown): Post {
  return { path, body: JSON.stringify(body), contentType: 'application/json' };
}

/** An address with a path after it; its query, in which some have their token, stays at its end. */
export function withPath(address: string, path: string): string {
  if (path === '') return address;
  const url = new URL(address);
  const [before = '', query] = path.split('?');
  url.pathname = `${url.pathname.replace(/\/$/, '')}${before}`;
  if (query !== undefined) url.search = query;
  return url.href;
}
