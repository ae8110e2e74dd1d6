// Takes the pictures of the status page that README shows, from an example, in light and dark.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { renderPage } from '../agent/metrics/page/page.ts';
import { startBrowser } from '../test/support/browser.ts';
import { pageContent } from '../test/support/page-content.ts';

const FOLDER = join(import.meta.dirname, '../manifests/images');
/** About as wide as README is shown, and down to the last of the images. */
const SIZE = { width: 1100, height: 1440 };

await mkdir(FOLDER, { recursive: true });
const browser = await startBrowser();
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ colorScheme, viewport: SIZE });
    await page.setContent(renderPage(pageContent()));
    const path = join(FOLDER, `status-page-${colorScheme}.png`);
    await page.screenshot({ path, clip: { x: 0, y: 0, ...SIZE } });
  }
} finally {
  await browser.close();
}
