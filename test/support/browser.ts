import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { describeIf } from './describe-if';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Tests in a real browser. */
export const describeInBrowser = describeIf(existsSync(CHROMIUM), `there is no ${CHROMIUM}`);

/** Of the system; none is downloaded. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid?.() !== 0 });
}
