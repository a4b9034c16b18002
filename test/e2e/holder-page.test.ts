import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type RecipientList, recipientsText } from '../../src/contract/recipients';
import { encryptArmored } from '../../src/crypto/age';
import { ensureRunIdentity } from '../../src/host/run/run-identity';
import { judgeShare } from '../../src/host/run/share-verdict';
import { waitFor } from '../../src/lab/processes';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { findInText, shareNeedles } from '../../src/lab/demo/share-search';
import { holderPage, type PageAssets } from '../../src/web/holder-page';
import { qrPath } from '../../src/web/qr-path';
import {
  describeInBrowser,
  everythingOf,
  expectText,
  fitsIn,
  launchBrowser,
  PHONE,
  pictureOf,
  runStarted,
  signingAgents,
  violationsIn,
} from '../support/browser';
import { useDirectory } from '../support/temporary';

const NODES = ['vault-1', 'vault-2', 'vault-3'];

describeInBrowser('the page for key holders, opened from disk without a network', () => {
  const inTest = useDirectory();
  const agents = signingAgents(NODES);
  const run = runStarted(43);
  const share = randomBytes(33).toString('base64');
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let requests: string[];
  let consoleLines: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    await openPage();
  });
  afterEach(async () => {
    await context.close();
    const strays = [...requests.filter((url) => url !== pageUrl()), ...consoleLines];
    if (strays.length > 0) throw new Error(`The page has asked for, or said: ${strays.join('\n')}`);
  });

  it('makes an envelope that every agent opens, by the keyboard alone, and keeps nothing of the share', async () => {
    const list = await recipientsOf(run);
    const { keyboard } = page;
    await reach('#recipients');
    await keyboard.insertText(recipientsText(list));
    await reach('#run');
    await keyboard.type(run.slice(-8));
    await keyboard.press('Enter');
    await expectText(page, '#checked', `Run ${run}, started`);
    await expectText(page, '#checked', '43 min');
    await expectText(page, '#checked', agents.pageKeys[1]?.fingerprint ?? '');
    // The focus is on the next field already.
    await keyboard.type('cleo');
    await keyboard.press('Tab');
    await keyboard.type(share);
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expectText(page, '#done', 'Encrypted for vault-1, vault-2, vault-3.');

    const envelope = await page.inputValue('#envelope');
    const message = JSON.parse(await page.inputValue('#message')) as object;
    const verdicts = await Promise.all(NODES.map((node) => judgeShare(inTest(node), run, envelope)));
    expect(verdicts.map(({ accepted, reason }) => ({ accepted, reason }))).toEqual(
      NODES.map(() => ({ accepted: true, reason: null })),
    );
    expect(message).toEqual({ holder: 'cleo', share: envelope });
    await expectText(page, '#vault-dr', 'vault-dr unseal --cluster prod --as cleo --envelope envelope.txt');
    await expectText(page, '#workflow-id', 'restore-prod');
    expect(findInText(await everythingOf(page), shareNeedles([share]))).toEqual([]);

    await reach('#copy-envelope');
    await keyboard.press('Enter');
    await expectText(page, '#copied', 'clipboard');
    await reach('#again');
    await keyboard.press('Enter');
    expect(await page.isVisible('#result')).toBe(false);
    expect(await page.inputValue('#envelope')).toBe('');
  }, 60_000);

  it('takes what status, the temporal CLI and the Web UI print', async () => {
    const list = await recipientsOf(run);
    const progress = { ...list, purpose: undefined, method: 'snapshot', planHash: randomBytes(32).toString('hex') };

    for (const document of [progress, { queryResult: [progress] }, [progress]]) {
      await check(JSON.stringify(document, null, 2), run.slice(-8));
      await expectText(page, '#checked', 'They unseal the cluster itself.');
      expect(await page.textContent('#recipients-problem')).toBe('');
    }
  }, 60_000);

  it('takes them from a picture of their QR code, and gives the envelope as one', async () => {
    const list = await recipientsOf(run);
    await showPicture(await codeOf(recipientsText(list)));
    expect(await page.inputValue('#recipients')).toBe(recipientsText(list));
    await page.fill('#run', run.slice(-8));
    await page.click('#check');
    await encrypt(share);
    await expectText(page, '#done', 'Encrypted for');
    await page.locator('summary', { hasText: 'As a QR code' }).click();
    const code = await page.locator('#envelope-code svg').screenshot();
    const envelope = await page.inputValue('#envelope');
    await pictureOf(page, 'holder-page-envelope-code.png');

    await showPicture(code);
    expect(await page.inputValue('#recipients')).toBe(envelope);
    await page.click('#check');
    await expectText(page, '#recipients-problem', 'These are not the recipients of a run');
    await page.setInputFiles('#recipients-photo', {
      name: 'a.png',
      mimeType: 'image/png',
      buffer: Buffer.from('no picture'),
    });
    await expectText(page, '#recipients-problem', 'No QR code was found in this picture.');
  }, 60_000);

  it('refuses recipients that are not those of the run', async () => {
    const list = await recipientsOf(run);
    const [first, ...others] = list.recipients;
    const stranger = await ensureRunIdentity(inTest('stranger'), run);
    const earlier = await recipientsOf(runStarted(60 * 24));
    const ancient = await recipientsOf(runStarted(60 * 24 * 40));
    const foreign = await recipientsOf(run, 'staging');
    const tampered = { ...list, recipients: [{ ...first!, recipient: stranger.recipient }, ...others] };
    const unknown = { ...list, recipients: [{ ...first!, node: 'vault-9' }] };
    const forDrill = { ...list, purpose: 'drill' as const };
    const hostile = '<img src=x onerror=alert(1)>';

    await expectRefused(tampered, 'vault-1: the recipient age1');
    await expectRefused(unknown, 'vault-9: the configuration has no agentPublicKey for it');
    await expectRefused({ ...list, run: earlier.run }, 'is not signed by its agent', earlier.run.slice(-8));
    await expectRefused(earlier, `These recipients are of the run ${earlier.run}, not of the one that ends with`);
    await expectRefused(ancient, 'that was started 40 d', ancient.run.slice(-8));
    await expectRefused(foreign, 'These are recipients of staging. This page is for prod.');
    await expectRefused(forDrill, 'no publicKey in sandboxHosts');
    await expectRefused(list, 'Enter the last 8 characters', run.slice(-4));
    await expectRefused({ ...list, recipients: [] }, 'does not accept shares now');
    await check(JSON.stringify({ ...list, method: 'snapshot', recipients: [{ ...first, node: hostile }] }), 'x');
    await expectText(page, '#recipients-problem', `'${hostile}' is not the name of a node.`);
    await check(recipientsText(list).slice(0, -40), run.slice(-8));
    await expectText(page, '#recipients-problem', 'Its end is missing.');
    await check(share, run.slice(-8));
    await expectText(page, '#recipients-problem', 'This looks like an unseal share in clear text.');
    expect(await page.inputValue('#recipients')).toBe('');
    expect(await page.locator('img').count()).toBe(0);
  }, 120_000);

  it('refuses what is no share, before anything is encrypted', async () => {
    const list = await recipientsOf(run);
    const old = await encryptArmored(share, [list.recipients[0]?.recipient ?? '']);
    const pgp = Buffer.concat([Buffer.from([0xc1, 0xc0]), randomBytes(100)]).toString('base64');
    const problem = 'This is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.';

    await encrypt(share);
    await expectText(page, '#share-problem', 'Check the recipients first');
    await check(recipientsText(list), run.slice(-8));
    for (const [given, why] of [
      ['', problem],
      ['correct horse battery staple', problem],
      [randomBytes(40).toString('base64'), problem],
      [randomBytes(15).toString('hex'), problem],
      [randomBytes(34).toString('hex'), problem],
      [old.replaceAll('\n', ' '), 'This is an encrypted envelope, not an unseal share.'],
      [pgp, 'This share is PGP-encrypted.'],
    ] as const) {
      await encrypt(given);
      await expectText(page, '#share-problem', why);
      expect(await page.inputValue('#share')).toBe('');
      expect(await page.isVisible('#result')).toBe(false);
    }
    await encrypt(Buffer.from(share, 'base64').toString('hex'));
    await expectText(page, '#done', 'Encrypted for');
    // Other recipients: the envelope is not theirs.
    await page.fill('#run', 'something');
    expect(await page.isVisible('#result')).toBe(false);
  }, 60_000);

  it.each(['light', 'dark'] as const)(
    'has nothing that axe finds, %s, on a desk and on a phone',
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      const list = await recipientsOf(run);
      for (const viewport of [{ width: 1280, height: 900 }, PHONE]) {
        await page.setViewportSize(viewport);
        expect(await violationsIn(page)).toEqual([]);
        await check('nothing', '');
        expect(await violationsIn(page)).toEqual([]);
        await check(recipientsText(list), run.slice(-8));
        await encrypt(share);
        await expectText(page, '#done', 'Encrypted for');
        for (const summary of await page.locator('summary').all()) await summary.click();
        expect(await violationsIn(page)).toEqual([]);
        expect(await fitsIn(page)).toBe(true);
        await pictureOf(page, `holder-page-${colorScheme}-${viewport.width}.png`);
        await page.reload();
        requests.pop();
      }
    },
    120_000,
  );

  it('runs no script that another has put into the file', async () => {
    const text = await readFile(inTest('page.html'), 'utf8');
    await writeFile(inTest('page.html'), text.replace('<main>', '<main><script>document.title = "taken"</script>'));
    await page.reload();

    expect(await page.title()).toBe('Unseal share for prod');
    expect(consoleLines.join('\n')).toContain('Content Security Policy');
    consoleLines = [];
  }, 30_000);

  function pageUrl(): string {
    return pathToFileURL(inTest('page.html')).href;
  }

  async function openPage(): Promise<void> {
    // Bundled by `npm run build`.
    const assets = require(join(PROJECT_ROOT, 'dist/holder-page.js')) as PageAssets;
    const html = holderPage({ version: '1.2.3', cluster: 'prod', nodes: agents.pageKeys, sandboxHosts: [] }, assets);
    await writeFile(inTest('page.html'), html);
    context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
    await context.setOffline(true);
    page = await context.newPage();
    requests = [];
    consoleLines = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (line) => consoleLines.push(line.text()));
    page.on('pageerror', (error) => consoleLines.push(error.message));
    await page.goto(pageUrl());
  }

  async function recipientsOf(runId: string, cluster = 'prod'): Promise<RecipientList> {
    const recipients = await agents.recipientsOf(inTest, runId, cluster);
    return { cluster, run: runId, purpose: 'restore', recipients };
  }

  async function showPicture(buffer: Buffer): Promise<void> {
    await page.fill('#recipients', '');
    await page.setInputFiles('#recipients-photo', { name: 'code.png', mimeType: 'image/png', buffer });
    await waitFor('the code was read', async () => (await page.inputValue('#recipients')) !== '', {
      timeoutMs: 20_000,
    });
  }

  /** As somebody else's screen shows it. */
  async function codeOf(text: string): Promise<Buffer> {
    const { path, size } = qrPath(text) ?? { path: '', size: 0 };
    const other = await context.newPage();
    await other.setContent(
      `<svg width="600" viewBox="0 0 ${size} ${size}" style="background:white"><path d="${path}"/></svg>`,
    );
    const picture = await other.locator('svg').screenshot();
    await other.close();
    return picture;
  }

  async function check(text: string, end: string): Promise<void> {
    await page.fill('#recipients', text);
    await page.fill('#run', end);
    await page.click('#check');
  }

  async function encrypt(text: string): Promise<void> {
    await page.fill('#share', text);
    await page.click('#encrypt');
  }

  async function expectRefused(list: RecipientList, why: string, end = run.slice(-8)): Promise<void> {
    await check(recipientsText(list), end);
    await expectText(page, '#recipients-problem', why);
    await expectText(page, '#recipients-problem', list.recipients.length > 0 ? 'Nothing was sent' : 'Ask the person');
    await encrypt(share);
    await expectText(page, '#share-problem', 'Check the recipients first');
    expect(await page.isVisible('#result')).toBe(false);
  }

  /** By the tabulator key, as from the beginning of the page. */
  async function reach(selector: string): Promise<void> {
    for (let pressed = 0; pressed < 60; pressed++) {
      if ((await page.evaluate('document.activeElement.id')) === selector.slice(1)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${selector} can't be reached by the keyboard.`);
  }
});
