import { renderToString } from 'preact-render-to-string';
import { decodeQR } from 'qr/decode.js';
import { describeRun } from '../../../src/contract/voice/run-text';
import type { RunModel, ShownModel } from '../../../src/web/model';
import { UNTOUCHED } from '../../../src/web/pages/browser-state';
import { Page, titleOf } from '../../../src/web/pages/page';
import { dot, lineThrough, plotted } from '../../../src/web/pages/plot-scale';
import { ago, span } from '../../../src/web/pages/words';
import { eventsPath, holderPath, runPath } from '../../../src/web/paths';
import { qrPath } from '../../../src/web/qr-path';
import { progressWith } from '../../support/run-samples';
import {
  AT,
  backupsOf,
  clusterWith,
  endedRunWith,
  holderWith,
  lineWith,
  overviewWith,
  rowWith,
  runWith,
} from '../../support/web-models';

const HOSTILE = `<img src=x onerror="alert('1')">\u202E`;
const SHOWN = "&lt;img src=x onerror=&quot;alert('1')&quot;>\\u{202E}";
const RUN = '01a22192-ab9d-7af0-9a77-262f824a3c3f';

function htmlOf(model: ShownModel): string {
  return renderToString(<Page model={model} />);
}

/** Every text of a model as somebody hostile would have it; what the server itself makes stays. */
function hostile(value: unknown, key = ''): unknown {
  if (Array.isArray(value)) return value.map((one) => hostile(one, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, inside]) => [name, hostile(inside, name)]));
  }
  const own = ['page', 'kind', 'tone', 'verdict', 'state', 'purpose', 'by', 'measuredBy', 'check', 'checks'];
  return typeof value === 'string' && !own.includes(key) ? HOSTILE : value;
}

describe('a page', () => {
  const all: [string, ShownModel][] = [
    ['overview', overviewWith()],
    ['cluster', clusterWith()],
    ['run', runWith()],
    ['report', endedRunWith()],
    ['holder', holderWith({ run: RUN, recipients: [], nodes: [] })],
    [
      'message',
      {
        ...overviewWith(),
        page: 'message',
        title: 'Not found',
        tone: 'bad',
        text: ['No such page.'],
        next: null,
        confirm: null,
      },
    ],
  ];

  it.each(all)('%s takes nothing in it for HTML, and nothing that hides or moves', (_, model) => {
    const html = htmlOf(hostile(model) as ShownModel);

    expect(html).not.toMatch(/<(img|script|iframe|object|style)/);
    expect(html).not.toContain('\u202E');
    expect(html).toContain(SHOWN);
    expect(titleOf(hostile(model) as ShownModel)).not.toContain('\u202E');
  });

  it.each(all)('%s has no style, script or handler of its own, which the policy would refuse', (_, model) => {
    expect(htmlOf(model)).not.toMatch(/<[^>]* (style|on[a-z]+)=/);
    expect(htmlOf(model)).not.toContain('<script');
    expect(htmlOf(model).match(/<h1/g)).toHaveLength(1);
    expect(htmlOf(model)).toContain('<main id="main"');
  });

  it('links to no script', () => {
    const run = { ...runWith(), line: lineWith({ temporalUi: 'javascript:alert(1)' }) };

    expect(htmlOf(run)).not.toContain('javascript:');
    expect(htmlOf(runWith())).toContain('href="https://temporal.example.com/');
  });

  it('cuts what is endless', () => {
    const html = htmlOf(runWith({ warnings: ['x'.repeat(1_000_000)] }));

    expect(html.length).toBeLessThan(50_000);
    expect(html).toContain('998,000 characters more');
  });
});

describe('what is read first', () => {
  it.each([
    [[rowWith()], 'The cluster can be restored'],
    [[rowWith(), rowWith({ cluster: 'b' })], 'All 2 clusters can be restored'],
    [
      [rowWith({ verdict: 'no' }), rowWith(), rowWith({ verdict: null })],
      '1 cluster can’t be restored, 1 not known, of 3',
    ],
    [[rowWith({ verdict: 'unchecked' }), rowWith()], '1 cluster not known, of 2'],
    [[], 'No clusters'],
  ])('is the answer (%#)', (clusters, lead) => {
    expect(htmlOf(overviewWith({ clusters }))).toContain(`<h1>${lead}</h1>`);
  });

  it('is a cluster that waits for people, then one that is not ready, then one that is not known', () => {
    const html = htmlOf(overviewWith());
    const places = ['prod', 'staging', 'edge-eu-west', 'payments'].map((name) =>
      html.indexOf(`<th scope="row"><a href="/clusters/${name}"`),
    );

    expect(places).toEqual(places.toSorted((one, other) => one - other));
    expect(places).not.toContain(-1);
  });

  it('of a run is the next command, and of one that has ended its report', () => {
    expect(htmlOf(runWith())).toContain('<code>vault-dr resume --cluster prod</code>');
    expect(htmlOf(endedRunWith())).not.toContain('What to do next');
    expect(htmlOf(endedRunWith())).toContain('<h2 id="report">Report</h2>');
  });

  it('of a run that waits for approval is its plan, step by step', () => {
    const text = describeRun(progressWith({ phase: 'approve', waitingFor: 'approval' }), Date.parse(AT));
    const html = htmlOf(runWith({ text, headline: text.headline } satisfies Partial<RunModel>));

    expect(html).toContain('waits for approval (0 of 2)');
    expect(html).toContain('<summary>Steps on each node</summary>');
  });
});

describe('the page of a holder', () => {
  const model = holderWith({ run: RUN, recipients: [], nodes: [] });

  it('has no field for a share in a form, so that nothing sends it without the script', () => {
    const html = htmlOf(model);

    expect(html).toContain('id="share"');
    expect(html).not.toContain('<form');
    expect(html).not.toMatch(/<(input|textarea)[^>]* name=/);
  });

  it('has no field for a share before shares are taken, nor once they are not', () => {
    const early = htmlOf({ ...model, waiting: false, phase: 'plan' });
    const over = htmlOf({ ...model, waiting: false, over: 'Your share is not needed any more.' });

    expect(early).toContain('Shares are not taken yet: the run is in the phase plan.');
    expect(over).toContain('Your share is not needed any more.');
    expect(early + over).not.toContain('id="share"');
  });

  it('says as whom it hands in, if that is known', () => {
    const fields = (model.submit?.fields ?? []).map((field) =>
      field.name === 'holder' ? { ...field, kind: 'fixed' as const, value: 'cleo' } : field,
    );
    const html = htmlOf({ ...model, submit: model.submit && { ...model.submit, fields } });

    expect(html).toContain('Your name: <strong>cleo</strong>');
    expect(html).not.toContain('id="holder"');
  });

  it('keeps the answer when the run is over', () => {
    const answer = { ok: true, text: 'Accepted 3 of 3.', advice: null };
    const browser = { ...UNTOUCHED, holder: { ...UNTOUCHED.holder, answer } };

    expect(renderToString(<Page model={{ ...model, waiting: false, over: 'Over.' }} browser={browser} />)).toContain(
      'Accepted 3 of 3.',
    );
  });
});

describe('a plot', () => {
  it('has time along and the value up, from zero', () => {
    const at = (hour: number) => new Date(Date.parse(AT) + hour * 3_600_000).toISOString();

    expect(
      plotted(
        [
          { at: at(0), value: 0 },
          { at: at(1), value: 50 },
          { at: at(4), value: 100 },
        ],
        100,
      ),
    ).toEqual([
      { x: 12, y: 92 },
      { x: 256, y: 50 },
      { x: 988, y: 8 },
    ]);
    expect(plotted([{ at: at(0), value: 0 }], 0)).toEqual([{ x: 500, y: 92 }]);
    expect(
      lineThrough([
        { x: 1, y: 2 },
        { x: 3, y: 4 },
      ]),
    ).toBe('M1 2L3 4');
    expect(dot({ x: 1, y: 2 })).toBe('M1 2h0');
  });

  it('is not made of nothing', () => {
    expect(htmlOf(clusterWith({ backups: [], recoveryTimes: [] }))).not.toContain('<svg');
    expect(htmlOf(clusterWith({ backups: backupsOf(1) }))).toContain('Size of 1 backup');
  });
});

describe('a QR code', () => {
  it.each([1, 600, 601, 1_500, 2_500, 2_953])('of %i bytes says what it was made of', (length) => {
    const text = Array.from({ length }, (_, index) => String.fromCharCode(33 + ((index * 7) % 90))).join('');
    const code = qrPath(text);

    expect(code).not.toBeNull();
    expect(decodeQR(pictureOf(code?.path ?? '', code?.size ?? 0))).toBe(text);
  });

  it('is not made of more than it holds, or of nothing', () => {
    expect(qrPath('x'.repeat(2_954))).toBeNull();
    expect(qrPath('')).toBeNull();
  });

  /** Bars of a path, as pixels. */
  function pictureOf(path: string, size: number) {
    const scale = 4;
    const width = size * scale;
    const data = new Uint8Array(width * width * 4).fill(255);
    for (const [, x = '', y = '', length = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
      for (let row = Number(y) * scale; row < (Number(y) + 1) * scale; row++) {
        const from = (row * width + Number(x) * scale) * 4;
        data.fill(0, from, from + Number(length) * scale * 4);
      }
    }
    for (let at = 3; at < data.length; at += 4) data[at] = 255;
    return { width, height: width, data };
  }
});

test('times are said shortly, by the time of the data', () => {
  expect(ago('2026-11-23T04:58:00Z', AT)).toBe('3 min ago');
  expect(ago('2026-11-23T06:31:00Z', AT)).toBe('in 1 h 30 min');
  expect(ago('soon', AT)).toBe('');
  expect(span(20)).toBe('20 s');
  expect(span(0)).toBe('0 s');
});

test('pages and what keeps them up to date are where names can do nothing', () => {
  expect(runPath({ cluster: 'a/b', kind: 'roll-call', run: '../x?y' })).toBe(
    '/clusters/a%2Fb/runs/roll-call/..%2Fx%3Fy',
  );
  expect(eventsPath('/')).toBe('/events');
  expect(eventsPath(holderPath('prod', 'drill'))).toBe('/clusters/prod/unseal/events?purpose=drill');
});
