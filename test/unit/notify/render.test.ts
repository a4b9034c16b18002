import { createHmac } from 'node:crypto';
import { dedupKey, EVENTS, eventsOfVerdict, type Notification } from '../../../src/contract/notification';
import { mailOf } from '../../../src/notify/mail';
import { messageOf } from '../../../src/notify/message';
import { opsgeniePost, pagerdutyPost, pingPost, slackPost, teamsPost, withPath } from '../../../src/notify/render';
import { signatureHeaders } from '../../../src/notify/sign';
import { filledIn } from '../../../src/notify/template';

const AT = Date.parse('2026-11-28T04:00:00Z');
const HOSTILE = 'a</pre><!channel> @here [x](https://evil.example) `rm -rf /`\r\nBcc: eve@example.com\u202E"}, "x": {"';

const said = (more: Partial<Notification> = {}): Notification => ({
  id: 'run-1/notification/1',
  event: 'shares wanted',
  cluster: 'prod',
  run: 'run-1',
  text: '3 more unseal shares are needed.',
  alternates: [],
  ...more,
});
const message = (more: Partial<Notification> = {}) => messageOf(said(more), AT);
const parsed = ({ body }: { body: string }) => JSON.parse(body) as Record<string, unknown>;

describe('a message', () => {
  it('is on one line, without what a screen would act upon, and bounded', () => {
    const { text, alternates } = message({ text: HOSTILE, alternates: ['eve\r\nBcc: x@y'] });

    expect(text).toMatch(/`rm -rf \/` Bcc: eve@example\.com\\u\{202E\}/);
    expect(alternates).toEqual(['eve Bcc: x@y']);
    expect(`${text}${alternates.join('')}`).not.toMatch(/[\r\n\u202E]/);
    expect(Array.from(message({ text: '𝄞'.repeat(100_000) }).text)).toHaveLength(4_000);
  });

  it('is the same for each attempt', () => {
    expect(slackPost(message())).toEqual(slackPost(message()));
    expect(mailOf(message(), { from: 'a@b', to: ['c@d'] })).toEqual(mailOf(message(), { from: 'a@b', to: ['c@d'] }));
  });
});

describe('what has the same key', () => {
  it('is all that is said of one wait of a run', () => {
    const first = dedupKey(said({ about: 'run-1/notification/1' }));
    const reminder = dedupKey(said({ id: 'run-1/notification/2', event: 'reminder', about: 'run-1/notification/1' }));
    const over = dedupKey(said({ id: 'run-1/over', event: 'wait over', about: 'run-1/notification/1' }));

    expect([reminder, over]).toEqual([first, first]);
    expect(dedupKey(said({ id: 'run-1/notification/9', about: 'run-1/notification/9' }))).not.toBe(first);
  });

  it('is what ends a state of a cluster, by whichever run', () => {
    const failed = dedupKey(said({ event: 'backup failed' }));

    expect(dedupKey(said({ event: 'backup succeeded', id: 'run-2/x', run: 'run-2' }))).toBe(failed);
    expect(dedupKey(said({ event: 'backup failed', cluster: 'staging' }))).not.toBe(failed);
    expect(dedupKey(said({ event: 'not ready' }))).not.toBe(failed);
    const unknown = dedupKey(said({ event: 'evaluation failed' }));
    expect(dedupKey(said({ event: 'evaluated again', id: 'run-3/x', run: 'run-3' }))).toBe(unknown);
    expect(dedupKey(said({ event: 'not ready' }))).not.toBe(unknown);
  });

  it('is nothing else than the same notification, where no state is meant', () => {
    expect(dedupKey(said({ event: 'share exposed', id: 'a' }))).not.toBe(
      dedupKey(said({ event: 'share exposed', id: 'b' })),
    );
  });
});

describe('an evaluation', () => {
  it.each([
    ['yes', null, ['evaluated as ready']],
    ['yes', 'yes', ['evaluated as ready']],
    ['yes', 'no', ['ready again', 'evaluated as ready']],
    ['yes', 'unchecked', ['ready again', 'evaluated as ready']],
    ['no', null, ['not ready', 'evaluated as not ready']],
    ['unchecked', 'yes', ['not ready', 'evaluated as not ready']],
    ['no', 'unchecked', ['evaluated as not ready']],
    ['unchecked', 'no', ['evaluated as not ready']],
  ])('that says %s after %s is %j', (verdict, previous, events) => {
    expect(eventsOfVerdict(verdict, previous)).toEqual(events);
  });
});

test('a chat gets a hostile text as a block of code that it can neither end nor mention anybody in', () => {
  const { text } = parsed(slackPost(message({ text: HOSTILE }))) as { text: string };
  const [, inside] = /^🟠 \*\[prod\] shares wanted\*\n```\n([^`]*)\n```$/.exec(text) ?? [];

  expect(inside).toContain('&lt;!channel&gt;');
  expect(inside).not.toMatch(/[<>`]/);
});

test('Teams gets it in text runs, which know no format', () => {
  const card = parsed(teamsPost(message({ text: HOSTILE }))) as {
    attachments: {
      contentType: string;
      content: { body: { type: string; inlines: { type: string; text: string }[] }[] };
    }[];
  };
  const [{ contentType, content }] = card.attachments as [(typeof card.attachments)[0]];

  expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
  expect(new Set(content.body.map(({ type }) => type))).toEqual(new Set(['RichTextBlock']));
  expect(content.body[1]?.inlines).toEqual([
    expect.objectContaining({ type: 'TextRun', text: message({ text: HOSTILE }).text }),
  ]);
});

describe('an alert', () => {
  it('is opened and ended at PagerDuty by one key', () => {
    const open = parsed(pagerdutyPost(message({ event: 'backup failed' }), 'key'));
    const over = parsed(pagerdutyPost(message({ event: 'backup succeeded', id: 'other' }), 'key'));

    expect(open).toMatchObject({
      routing_key: 'key',
      event_action: 'trigger',
      dedup_key: 'vault-dr/prod/backup',
      payload: { severity: 'critical', source: 'prod', timestamp: '2026-11-28T04:00:00.000Z' },
    });
    expect(over).toEqual({ routing_key: 'key', event_action: 'resolve', dedup_key: 'vault-dr/prod/backup' });
    expect(
      (parsed(pagerdutyPost(message({ text: 'x'.repeat(9_999) }), 'key'))['payload'] as { summary: string }).summary,
    ).toHaveLength(1_024);
  });

  it('is opened and closed at Opsgenie by one alias, which is one part of a path', () => {
    const open = opsgeniePost(message({ event: 'backup failed', text: 'x'.repeat(9_999) }));
    const over = opsgeniePost(message({ event: 'backup succeeded' }));

    expect(open.path).toBe('/v2/alerts');
    expect(parsed(open)).toMatchObject({ alias: 'vault-dr:prod:backup', priority: 'P1' });
    expect((parsed(open)['message'] as string).length).toBe(130);
    expect(over.path).toBe('/v2/alerts/vault-dr%3Aprod%3Abackup/close?identifierType=alias');
    const strange = opsgeniePost(message({ event: 'wait over', about: '../../x?y#z' })).path;
    expect(strange).toBe('/v2/alerts/vault-dr%3A..%3A..%3Ax%3Fy%23z/close?identifierType=alias');
  });
});

test.each([
  ['backup started', 'https://hc.example/ping/1/start'],
  ['backup succeeded', 'https://hc.example/ping/1'],
  ['copy missing', 'https://hc.example/ping/1'],
  ['backup failed', 'https://hc.example/ping/1/fail'],
  ['evaluated as ready', 'https://hc.example/ping/1'],
  ['evaluated as not ready', 'https://hc.example/ping/1/fail'],
  ['evaluation failed', 'https://hc.example/ping/1/fail'],
  ['test', 'https://hc.example/ping/1/log'],
] as const)('%s is a ping of %s', (event, address) => {
  expect(withPath('https://hc.example/ping/1', pingPost(message({ event })).path)).toBe(address);
});

test('a path is put before the query of an address', () => {
  expect(withPath('https://a.example/p/?token=1', '/start')).toBe('https://a.example/p/start?token=1');
  expect(withPath('https://a.example', '/v2/x?y=1')).toBe('https://a.example/v2/x?y=1');
});

test('a mail has a subject on one line, and an id that is the same for each attempt', () => {
  const { subject, text, messageId, headers } = mailOf(message({ text: HOSTILE }), { from: 'a@b.c', to: ['d@e.f'] });

  expect(subject).toMatch(/^\[prod\] shares wanted: a<\/pre>/);
  expect(subject).not.toMatch(/[\r\n]/);
  expect(text.split('\n')[0]).toContain('Bcc: eve@example.com');
  expect(messageId).toMatch(/^<[0-9a-f]{40}@vault-dr\.invalid>$/);
  expect(headers).toMatchObject({ 'Auto-Submitted': 'auto-generated' });
});

describe('a template', () => {
  it('fills in texts, at any depth, and nothing twice', () => {
    const template = {
      summary: '{cluster}: {text}',
      tags: ['{severity}', 7, null],
      deep: { '{id}': '{nothing} {at}' },
    };
    const filled = filledIn(template, message({ text: '{run} "}, {"admin": true' }));

    expect(filled).toEqual({
      summary: 'prod: {run} "}, {"admin": true',
      tags: ['warning', 7, null],
      deep: { '{id}': '{nothing} 2026-11-28T04:00:00.000Z' },
    });
    expect(Object.keys(JSON.parse(JSON.stringify(filled)) as object)).toEqual(['summary', 'tags', 'deep']);
  });

  it('knows no field but those of a message', () => {
    expect(filledIn('{constructor}{toString}{__proto__}', message())).toBe('{constructor}{toString}{__proto__}');
  });
});

test('a signature is over id, time and body, as Standard Webhooks says', () => {
  const key = Buffer.from('0123456789abcdef0123456789abcdef');
  const signed = 'msg-1.1700000000.{"a":1}';
  const wanted = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;

  const headers = signatureHeaders(`whsec_${key.toString('base64')}`, 'msg-1', 1_700_000_000, '{"a":1}');
  expect(headers).toEqual({ 'webhook-id': 'msg-1', 'webhook-timestamp': '1700000000', 'webhook-signature': wanted });
  expect(signatureHeaders(key.toString(), 'msg-1', 1_700_000_000, '{"a":1}')).toEqual(headers);
});

test('every event has a kind, and every state that begins has an event that ends it', () => {
  const kinds = Object.values(EVENTS) as { subject?: string; isOver?: true }[];
  const begun = new Set(kinds.flatMap(({ subject, isOver }) => (subject && !isOver ? [subject] : [])));
  const ended = new Set(kinds.flatMap(({ subject, isOver }) => (subject && isOver ? [subject] : [])));

  // That a channel works again is seen by nobody but whoever repairs it.
  expect([...begun].filter((subject) => !ended.has(subject))).toEqual(['channels']);
});
