import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { signWith } from '../../src/cli/approve';
import { createAuthority, issueClientCertificate, issueServerCertificate } from '../../src/lab/certificates';
import { findInText, shareNeedles } from '../../src/lab/demo/share-search';
import type { RunModel } from '../../src/web/model';
import { describeInBrowser, DESK, everythingOf, launchBrowser, PHONE, pictureOf } from '../support/browser';
import { pem } from '../support/certificates';
import { useLab } from '../support/lab';
import { restoreDriver } from '../support/restore-driver';
import { modelIn, startWebServer, type WebServer } from '../support/web-process';

const PEOPLE = ['ana', 'bob', 'carol', 'dora', 'emil'] as const;
type Person = (typeof PEOPLE)[number];

/** By nothing but the pages: who restores, who approves, and who holds the shares, each with a certificate. */
describeInBrowser('a restore of a real cluster through the pages', () => {
  const lab = useLab({ nodes: 1 });
  let web: WebServer;
  let browser: Browser;
  const contexts = new Map<Person, BrowserContext>();
  /** Everything that pages have sent, and said to the console. */
  const sent: string[] = [];
  const pages: Page[] = [];

  beforeAll(async () => {
    await lab().writeSecrets(5);
    await restoreDriver(lab()).json(['backup', '--cluster', 'lab']);
    await lab().destroyDataDirectories();
    const authority = await createAuthority('Pages of a test');
    const own = await issueServerCertificate(authority, { dns: ['localhost'], ip: ['127.0.0.1'] });
    const file = async (name: string, text: string) => {
      await writeFile(join(lab().directory, name), text, { mode: 0o600 });
      return join(lab().directory, name);
    };
    const ca = await file('web-ca.pem', authority.certificate);
    const certificates = new Map<Person, { cert: string; key: string }>();
    for (const name of PEOPLE) {
      const { certificate, privateKey } = await issueClientCertificate(authority, name);
      certificates.set(name, { cert: certificate, key: pem(privateKey) });
    }
    web = await startWebServer(
      lab(),
      [
        `tls: { certFile: ${await file('web.pem', own.certificate)}, keyFile: ${await file('web.key', pem(own.privateKey))} }`,
        `login: { method: certificate, caFile: ${ca}, groupsFrom: name, roles: { operator: [ana], approver: [bob], holder: [carol, dora, emil] } }`,
      ],
      { ca: authority.certificate, ...certificates.get('ana')! },
    );
    browser = await launchBrowser();
    for (const name of PEOPLE) {
      const { cert, key } = certificates.get(name)!;
      const context = await browser.newContext({
        ignoreHTTPSErrors: true,
        viewport: name === 'carol' ? PHONE : DESK,
        clientCertificates: [{ origin: web.url, cert: Buffer.from(cert), key: Buffer.from(key) }],
      });
      context.setDefaultTimeout(60_000);
      context.on('console', (line) => sent.push(line.text()));
      context.on('request', (request) => sent.push(`${request.url()} ${request.postData() ?? ''}`));
      contexts.set(name, context);
    }
  }, 240_000);
  afterAll(async () => {
    await browser?.close();
    await web?.end();
  });

  async function pageOf(name: Person, path: string): Promise<Page> {
    const page = await contexts.get(name)!.newPage();
    pages.push(page);
    await page.goto(`${web.url}${path}`);
    return page;
  }

  it('is started, approved, unsealed and reported there, and no share is left anywhere', async () => {
    const ana = await pageOf('ana', '/clusters/lab');
    await press(ana, 'restore');
    await ana.getByRole('heading', { name: 'Done' }).waitFor();
    await ana.getByRole('link', { name: 'lab' }).first().click();
    await ana
      .getByRole('link', { name: /Recovery/ })
      .first()
      .click();
    await ana.getByText('Needs approval').first().waitFor();
    const address = new URL(ana.url()).pathname;

    const bob = await pageOf('bob', address);
    const statement = await bob.locator('form[action$="/approve"] .command:has(.copy) code').innerText();
    const signature = await signWith(lab().env['VAULT_DR_APPROVAL_KEY'] ?? '', `${statement.trimEnd()}\n`);
    await bob.fill('form[action$="/approve"] textarea[name="signature"]', signature);
    await press(bob, 'approve');
    await bob.getByRole('heading', { name: 'Done' }).waitFor();

    const shares = lab().unsealShares;
    for (const [at, name] of (['carol', 'dora', 'emil'] as const).entries()) {
      const holder = await pageOf(name, '/clusters/lab/unseal?purpose=restore');
      await holder.locator('#share').waitFor();
      await holder.fill('#share', shares[at] ?? '');
      await holder.click('#encrypt');
      await holder
        .locator('#answer')
        .getByText(/ccepted|enough/)
        .first()
        .waitFor();
      await pictureOf(holder, `restore-holder-${name}.png`);
    }

    await ana.goto(`${web.url}${address}`);
    await ana.getByText('restored').first().waitFor({ timeout: 120_000 });
    await pictureOf(ana, 'restore-end.png');
    const { report, shares: names } = modelIn<RunModel>(await (await web.get(address)).text());
    expect(report?.headline.tone).toBe('good');
    expect(names?.accepted.map(({ holder }) => holder)).toEqual(['carol', 'dora', 'emil']);

    const left = await Promise.all(pages.map(everythingOf));
    expect(findInText([...left, ...sent, web.log()].join('\n'), shareNeedles(shares))).toEqual([]);
    const trail = await readFile(join(lab().directory, 'controller', 'audit.jsonl'), 'utf8');
    for (const name of PEOPLE)
      expect(trail).toMatch(new RegExp(`"identity":{"issuer":"[^"]*Pages of a test","subject":"[^"]*${name}`));
  }, 300_000);
});

/** A grave action, with its second step. */
async function press(page: Page, action: string): Promise<void> {
  await page.locator(`form[action$="/${action}"] button[type="submit"]`).click();
  await page.locator(`form:has(input[name="confirm"]) button[type="submit"]`).click();
}
