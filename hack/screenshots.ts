// Takes the pictures of the status page that README shows, from an example, in light and dark.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { renderPage } from '../agent/metrics/page/page.ts';
import { startBrowser } from '../test/support/browser.ts';
import { pageContent } from '../test/support/page-content.ts';

const FOLDER = join(import.meta.dirname, '../manifests/images');
/** About as wide as README is shown. */
const SIZE = { width: 1240, height: 800 };
const MARGIN = 16;

await mkdir(FOLDER, { recursive: true });
const browser = await startBrowser();
try {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ colorScheme, viewport: SIZE });
    await page.setContent(renderPage(pageContent()));
    const path = join(FOLDER, `status-page-${colorScheme}.png`);
    const last = await page.getByRole('region', { name: 'Images' }).boundingBox();
    const height = (last?.y ?? 0) + (last?.height ?? SIZE.height) + MARGIN;
    await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, ...SIZE, height } });
  }
} finally {
  await browser.close();
}
