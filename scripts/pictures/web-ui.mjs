// A picture of Temporal's Web UI, taken with the Chromium of the system.
import { chromium } from 'playwright-core';

const SIZE = { width: 1280, height: 900 };
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** Shows the details of the restore once they have the text. */
export async function shootWebUi(uiUrl, text, file) {
  const sandbox = process.getuid?.() !== 0;
  const browser = await chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: sandbox });
  try {
    const page = await browser.newPage({ viewport: SIZE });
    await page.goto(`${uiUrl}/namespaces/default/workflows/restore-lab`);
    await page
      .getByRole('tab', { name: 'User Metadata' })
      .or(page.getByRole('link', { name: 'User Metadata' }))
      .first()
      .click();
    // The page shows the summary, the details and, in its third frame, the current details.
    await page.frameLocator('iframe >> nth=2').getByText(text).first().waitFor();
    await page.screenshot({ path: file });
  } finally {
    await browser.close();
  }
}
