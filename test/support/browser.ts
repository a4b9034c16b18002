import { existsSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import axe from 'axe-core';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { RunRecipient } from '../../src/contract/recovery';
import { agentFingerprint, agentPublicKey, generateAgentKey, signRecipient } from '../../src/crypto/agent-key';
import { ensureRunIdentity } from '../../src/host/run/run-identity';
import { describeIf } from './describe-if';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Tests in a real browser. */
export const describeInBrowser = describeIf(existsSync(CHROMIUM), `there is no ${CHROMIUM}`);

/** Of the system; none is downloaded. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid?.() !== 0 });
}

export const PHONE = { width: 360, height: 740 };
export const DESK = { width: 1280, height: 900 };

/** What axe finds in a page as it is now. */
export async function violationsIn(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = (await page.evaluate('axe.run()')) as axe.AxeResults;
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
}

export async function fitsIn(page: Page): Promise<boolean> {
  return (await page.evaluate('document.documentElement.scrollWidth <= innerWidth')) as boolean;
}

/** For people who want to see it. */
export async function pictureOf(page: Page, name: string): Promise<void> {
  const directory = process.env['HOLDER_PAGE_PICTURES'];
  if (directory !== undefined) await page.screenshot({ path: join(directory, name), fullPage: true });
}

export async function expectText(page: Page, selector: string, text: string): Promise<void> {
  await page.locator(selector).filter({ hasText: text }).first().waitFor({ timeout: 5_000, state: 'attached' });
}

/** What stays of a page once it was used. */
export async function everythingOf(page: Page): Promise<string> {
  const script = `Promise.all([
    document.documentElement.outerHTML,
    ...[...document.querySelectorAll('input, textarea')].map((field) => field.value),
    JSON.stringify(localStorage), JSON.stringify(sessionStorage), document.cookie, location.href, JSON.stringify(history.state),
    indexedDB.databases().then((all) => JSON.stringify(all)),
  ]).then((parts) => parts.join('\\n'))`;
  return (await page.evaluate(script)) as string;
}

/** As Temporal numbers runs: a UUID of version 7 begins with the time. */
export function runStarted(minutesAgo: number): string {
  const time = (Date.now() - minutesAgo * 60_000).toString(16).padStart(12, '0');
  const random = randomBytes(8).toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-8${random.slice(3, 6)}-${random.slice(4)}`;
}

/** Agents of some nodes, with their keys as a page has them. */
export function signingAgents(nodes: readonly string[]) {
  const agentKeys = Object.fromEntries(nodes.map((name) => [name, generateAgentKey()]));
  const keyOf = (name: string) => agentPublicKey(agentKeys[name] ?? '');
  return {
    pageKeys: nodes.map((name) => ({ name, publicKey: keyOf(name), fingerprint: agentFingerprint(keyOf(name)) })),
    /** @param directoryOf where the identity of the run is, by node */
    recipientsOf: (directoryOf: (node: string) => string, run: string, cluster = 'prod'): Promise<RunRecipient[]> =>
      Promise.all(
        nodes.map(async (node) => {
          const { recipient } = await ensureRunIdentity(directoryOf(node), run);
          return {
            node,
            recipient,
            signature: signRecipient(agentKeys[node] ?? '', { cluster, node, run, recipient }),
          };
        }),
      ),
  };
}
