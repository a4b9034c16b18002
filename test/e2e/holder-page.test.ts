import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type RecipientList, recipientsText } from '../../src/contract/recipients';
import { encryptArmored } from '../../src/crypto/age';
import { agentFingerprint, agentPublicKey, generateAgentKey, signRecipient } from '../../src/crypto/agent-key';
import { ensureRunIdentity } from '../../src/host/run/run-identity';
import { judgeShare } from '../../src/host/run/share-verdict';
import { PROJECT_ROOT } from '../../src/lab/project-root';
import { findInText, shareNeedles } from '../../src/lab/demo/share-search';
import { holderPage, type PageAssets } from '../../src/web/holder-page';
import { describeInBrowser, launchBrowser } from '../support/browser';
import { useDirectory } from '../support/temporary';

const PHONE = { width: 360, height: 740 };
const NODES = ['vault-1', 'vault-2', 'vault-3'];

/** As Temporal numbers runs: a UUID of version 7 begins with the time. */
function runStarted(minutesAgo: number): string {
  const time = (Date.now() - minutesAgo * 60_000).toString(16).padStart(12, '0');
  const random = randomBytes(8).toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(4)}`;
}

describeInBrowser('the page for key holders, opened from disk without a network', () => {
  const inTest = useDirectory();
  const agentKeys = Object.fromEntries(NODES.map((name) => [name, generateAgentKey()]));
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
    await keyboard.press('Tab');
    await keyboard.type(run.slice(-8));
    await keyboard.press('Enter');
    await expectText('#checked', `Run ${run}, started`);
    await expectText('#checked', '43 min');
    await expectText('#checked', agentFingerprint(agentPublicKey(agentKeys['vault-2'] ?? '')));
    // The focus is on the next field already.
    await keyboard.type('cleo');
    await keyboard.press('Tab');
    await keyboard.type(share);
    await keyboard.press('Tab');
    await keyboard.press('Enter');
    await expectText('#done', 'Encrypted for vault-1, vault-2, vault-3.');

    const envelope = await page.inputValue('#envelope');
    const message = JSON.parse(await page.inputValue('#message')) as object;
    const verdicts = await Promise.all(NODES.map((node) => judgeShare(inTest(node), run, envelope)));
    expect(verdicts.map(({ accepted, reason }) => ({ accepted, reason }))).toEqual(
      NODES.map(() => ({ accepted: true, reason: null })),
    );
    expect(message).toEqual({ holder: 'cleo', share: envelope });
    await expectText('#vault-dr', 'vault-dr unseal --cluster prod --as cleo --envelope envelope.txt');
    await expectText('#workflow-id', 'restore-prod');
    expect(findInText(await everythingOf(page), shareNeedles([share]))).toEqual([]);

    await reach('#copy-envelope');
    await keyboard.press('Enter');
    await expectText('#copied', 'clipboard');
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
      await expectText('#checked', 'They unseal the cluster itself.');
      expect(await page.textContent('#recipients-problem')).toBe('');
    }
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
    await expectText('#recipients-problem', `'${hostile}' is not the name of a node.`);
    await check(recipientsText(list).slice(0, -40), run.slice(-8));
    await expectText('#recipients-problem', 'Its end is missing.');
    await check(share, run.slice(-8));
    await expectText('#recipients-problem', 'This looks like an unseal share in clear text.');
    expect(await page.inputValue('#recipients')).toBe('');
    expect(await page.locator('img').count()).toBe(0);
  }, 120_000);

  it('refuses what is no share, before anything is encrypted', async () => {
    const list = await recipientsOf(run);
    const old = await encryptArmored(share, [list.recipients[0]?.recipient ?? '']);
    const pgp = Buffer.concat([Buffer.from([0xc1, 0xc0]), randomBytes(100)]).toString('base64');
    const problem = 'This is not an unseal share: base64 or hexadecimal, 16 to 33 bytes.';

    await encrypt(share);
    await expectText('#share-problem', 'Check the recipients first');
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
      await expectText('#share-problem', why);
      expect(await page.inputValue('#share')).toBe('');
      expect(await page.isVisible('#result')).toBe(false);
    }
    await encrypt(Buffer.from(share, 'base64').toString('hex'));
    await expectText('#done', 'Encrypted for');
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
        expect(await violations()).toEqual([]);
        await check('nothing', '');
        expect(await violations()).toEqual([]);
        await check(recipientsText(list), run.slice(-8));
        await encrypt(share);
        await expectText('#done', 'Encrypted for');
        for (const summary of await page.locator('summary').all()) await summary.click();
        expect(await violations()).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
        await picture(`holder-page-${colorScheme}-${viewport.width}.png`);
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
    const nodes = NODES.map((name) => {
      const publicKey = agentPublicKey(agentKeys[name] ?? '');
      return { name, publicKey, fingerprint: agentFingerprint(publicKey) };
    });
    const html = holderPage({ version: '1.2.3', cluster: 'prod', nodes, sandboxHosts: [] }, assets);
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
    const recipients = await Promise.all(
      NODES.map(async (node) => {
        const { recipient } = await ensureRunIdentity(inTest(node), runId);
        const about = { cluster, node, run: runId, recipient };
        return { node, recipient, signature: signRecipient(agentKeys[node] ?? '', about) };
      }),
    );
    return { cluster, run: runId, purpose: 'restore', recipients };
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
    await expectText('#recipients-problem', why);
    await expectText('#recipients-problem', list.recipients.length > 0 ? 'Nothing was sent' : 'Ask the person');
    await encrypt(share);
    await expectText('#share-problem', 'Check the recipients first');
    expect(await page.isVisible('#result')).toBe(false);
  }

  async function expectText(selector: string, text: string): Promise<void> {
    await page.locator(selector).filter({ hasText: text }).waitFor({ timeout: 5_000, state: 'attached' });
  }

  /** By the tabulator key, as from the beginning of the page. */
  async function reach(selector: string): Promise<void> {
    for (let pressed = 0; pressed < 60; pressed++) {
      if ((await page.evaluate('document.activeElement.id')) === selector.slice(1)) return;
      await page.keyboard.press('Tab');
    }
    throw new Error(`${selector} can't be reached by the keyboard.`);
  }

  async function violations(): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations: found } = (await page.evaluate('axe.run()')) as axe.AxeResults;
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  /** For people who want to see it. */
  async function picture(name: string): Promise<void> {
    const directory = process.env['HOLDER_PAGE_PICTURES'];
    if (directory !== undefined) await page.screenshot({ path: join(directory, name), fullPage: true });
  }
});

/** What stays of a page once it was used. */
async function everythingOf(page: Page): Promise<string> {
  const script = `Promise.all([
    document.documentElement.outerHTML,
    ...[...document.querySelectorAll('input, textarea')].map((field) => field.value),
    JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href, JSON.stringify(history.state),
    indexedDB.databases().then((all) => JSON.stringify(all)),
  ]).then((parts) => parts.join('\\n'))`;
  return (await page.evaluate(script)) as string;
}
