// Takes the pictures that README shows: the status page, from an example in light and dark, and the dashboards,
// from what a real Prometheus answered in the story of test/e2e/dashboards.test.ts, told anew and slowly: on test nodes,
// in five minutes. `npm run screenshots`, or with `-- status-page` or `-- dashboards` those alone.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { renderPage } from '../agent/metrics/page/page.ts';
import { startBrowser } from '../test/support/browser.ts';
import { DASHBOARDS, readDashboard } from '../test/support/dashboard.ts';
import { pageContent } from '../test/support/page-content.ts';
import { picturePage, type Recorded } from './grafana/picture/page.ts';

const ROOT = join(import.meta.dirname, '..');
const FOLDER = join(ROOT, 'manifests/images');
/** About as wide as README is shown. */
const SIZE = { width: 1240, height: 800 };
const MARGIN = 16;

async function takeStatusPage(browser: Browser): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ colorScheme, viewport: SIZE });
    await page.setContent(renderPage(pageContent()));
    const path = join(FOLDER, `status-page-${colorScheme}.png`);
    const last = await page.getByRole('region', { name: 'Images' }).boundingBox();
    const height = (last?.y ?? 0) + (last?.height ?? SIZE.height) + MARGIN;
    await page.screenshot({ path, fullPage: true, clip: { x: 0, y: 0, ...SIZE, height } });
  }
}

async function takeDashboards(browser: Browser): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-dashboards-'));
  try {
    tellStory(folder);
    for (const name of DASHBOARDS) {
      const page = await browser.newPage({ viewport: SIZE });
      const recorded = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Recorded;
      await page.setContent(picturePage(readDashboard(name), recorded, SIZE.width));
      const path = join(FOLDER, `${name.replace('nodeseal', 'dashboard')}.png`);
      await page.screenshot({ path, fullPage: true });
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Some minutes, on test nodes; what it says goes to the terminal. */
function tellStory(folder: string): void {
  const words = ['run', '--project', 'e2e', 'test/e2e/dashboards.test.ts'];
  const env = { ...process.env, CI: 'true', DASHBOARD_SERIES: folder };
  const { status } = spawnSync(join(ROOT, 'node_modules/.bin/vitest'), words, {
    ...{ cwd: ROOT, env, stdio: 'inherit' },
  });
  if (status !== 0) throw new Error(`the story of the dashboards ended with ${status}`);
}

const PICTURES = { 'status-page': takeStatusPage, dashboards: takeDashboards };

const [only] = process.argv.slice(2);
if (only !== undefined && !(only in PICTURES)) {
  throw new Error(`expected one of ${Object.keys(PICTURES).join(', ')} or nothing, found ${only}`);
}
mkdirSync(FOLDER, { recursive: true });
const browser = await startBrowser();
try {
  for (const [name, take] of Object.entries(PICTURES)) {
    if (only === undefined || only === name) await take(browser);
  }
} finally {
  await browser.close();
}
