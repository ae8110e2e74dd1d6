// The status page in a real browser, served as the agent serves it: its security policy, its form and its looks.
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { PageContent } from '../../agent/metrics/page/content.ts';
import { parseImageFilter } from '../../agent/metrics/page/image-filter.ts';
import { renderPage } from '../../agent/metrics/page/page.ts';
import { startMetricsServer } from '../../agent/metrics/server.ts';
import { cut, printable } from '../../agent/oci/show.ts';
import { describeInBrowser, startBrowser } from '../support/browser.ts';
import { pageFaults } from '../support/page-audit.ts';
import { pageContent, pageImage, pagePull } from '../support/page-content.ts';

const BACKGROUND = 'getComputedStyle(document.body).backgroundColor';
const OUTLINE =
  '(({ outlineStyle, outlineWidth }) => `${outlineStyle} ${outlineWidth}`)(getComputedStyle(document.activeElement))';

const HOSTILE = [
  '<script>document.title = "owned"</script>',
  '"><img src=x onerror="document.title = \'owned\'">',
  "' onfocus='document.title = \"owned\"' autofocus='",
  '</th></tr></table><style>* { display: none }</style>',
  '</style></title></textarea><svg onload=alert(1)>',
  '<!-- ',
  '&lt;b&gt; ${1} {{1}} javascript:alert(1)',
  '\u202Egnp.exe\u0000\u200B',
  'x'.repeat(5000),
];

describeInBrowser('the status page', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await startBrowser();
    return () => browser.close();
  });

  /** Serves a page and opens it; `noise` is what the browser complains of, and what else is asked for. */
  async function open(
    contentOf: (query: string) => PageContent,
    options: BrowserContextOptions = {},
    query = '',
  ): Promise<{ page: Page; url: string; noise: string[] }> {
    const noise: string[] = [];
    const server = await startMetricsServer({
      ...{ host: '127.0.0.1', port: 0 },
      metrics: { render: () => Promise.resolve(''), contentType: 'text/plain' },
      ready: () => ({ ready: true, reasons: [] }),
      page: (asked) => renderPage(contentOf(asked)),
      report: () => ({}),
      onError: (error) => noise.push(String(error)),
    });
    onTestFinished(() => server.close());
    const context = await browser.newContext({
      viewport: { width: 1200, height: 900 },
      ...options,
    });
    onTestFinished(() => context.close());
    const page = await context.newPage();
    const url = `http://127.0.0.1:${server.port}/`;
    page.on('console', (message) => noise.push(message.text()));
    page.on('pageerror', (error) => noise.push(String(error)));
    page.on('dialog', (dialog) => noise.push(dialog.message()));
    page.on('request', (request) => {
      if (!request.url().startsWith(`${url}?`) && request.url() !== url) noise.push(request.url());
    });
    await page.goto(url + query);
    return { page, url, noise };
  }

  const everything = () => pageContent();

  it.each([
    ['light', 'rgb(255, 255, 255)'],
    ['dark', 'rgb(20, 22, 26)'],
  ] as const)('is to be read in %s by everybody', async (colorScheme, ground) => {
    const { page, noise } = await open(everything, { colorScheme });
    expect(await page.evaluate(BACKGROUND)).toBe(ground);
    expect(await pageFaults(page)).toEqual([]);
    expect(noise).toEqual([]);
  });

  it.each([
    ['contrast', "document.querySelector('h1').setAttribute('class', 'faint')"],
    ['skips one', "document.querySelector('#images').outerHTML = '<h4 id=images>x</h4>'"],
    ['no label', "document.querySelector('label').remove()"],
    ['not one main', "document.querySelector('main').outerHTML = '<p>gone</p>'"],
    ['table without caption', "document.querySelector('caption').remove()"],
    ['picture without words', "document.querySelector('svg').removeAttribute('aria-label')"],
    ['scrolls sideways', "document.querySelector('h1').setAttribute('class', 'wide')"],
  ])('has a fault that is found when it is broken: %s', async (fault, change) => {
    const { page } = await open(everything, { bypassCSP: true });
    await page.addStyleTag({ content: '.faint { color: #999 } .wide { min-width: 3000px }' });
    await page.evaluate(change);
    expect(await pageFaults(page)).toContainEqual(expect.stringContaining(fault));
  });

  it.each(['enforcing', 'unknown'] as const)('is to be read when %s', async (state) => {
    const { page } = await open(() => pageContent({ state, details: null, mode: 'audit' }));
    expect(await pageFaults(page)).toEqual([]);
  });

  it.each([1200, 768, 390, 320])(
    'fits a screen of %s pixels, whatever names are like',
    async (width) => {
      const { page } = await open(() => hostileContent(), { viewport: { width, height: 700 } });
      expect(await pageFaults(page)).toEqual([]);
    },
  );

  it('needs no script: its form asks for the page again with what was chosen', async () => {
    const { page, url } = await open(filteredBy, { javaScriptEnabled: false });
    await page.getByLabel('State').selectOption('failed');
    await page.getByLabel('Name, digest, signer or pod').fill('a&b="<c>');
    await page.getByLabel('running only').check();
    await page.getByRole('button', { name: 'Show' }).click();
    await page.waitForURL(`${url}?state=failed&text=a%26b%3D%22%3Cc%3E&running=yes#images`);
    expect(await page.getByLabel('State').inputValue()).toBe('failed');
    expect(await page.getByLabel('Name, digest, signer or pod').inputValue()).toBe('a&b="<c>');
    expect(await page.getByLabel('running only').isChecked()).toBe(true);
    await page.getByRole('link', { name: 'Show all' }).click();
    await page.waitForURL(url);
    expect(await page.getByLabel('State').inputValue()).toBe('all');
  });

  it('shows hostile names as the texts that they are', async () => {
    const { page, noise } = await open(() => hostileContent());
    const images = page.getByRole('region', { name: 'Images' }).getByRole('row');
    expect(await images.count()).toBe(HOSTILE.length + 1);
    const heads = await page
      .getByRole('region', { name: 'Images' })
      .getByRole('rowheader')
      .allTextContents();
    expect(heads).toEqual(HOSTILE.map(shown));
    expect(await page.title()).toBe('bypassed: worker-3');
    expect(await page.locator('script, img, style, [onerror], [onfocus], [style]').count()).toBe(1);
    expect(noise).toEqual([]);
  });

  it('lets nothing run and nothing be styled that is not its own', async () => {
    const { page, noise } = await open(everything);
    await page.evaluate(`(() => {
      const script = document.createElement('script');
      script.textContent = 'document.title = "owned"';
      document.body.append(script);
      document.body.setAttribute('style', 'display: none');
      const image = document.createElement('img');
      image.src = '/metrics';
      document.body.append(image);
    })()`);
    expect(await page.title()).toBe('bypassed: worker-3');
    expect(await page.locator('body').isVisible()).toBe(true);
    expect(noise.filter((text) => text.includes('Content Security Policy'))).toHaveLength(3);
  });

  it('is gone through by keyboard, seen where one is', async () => {
    const { page } = await open(everything);
    const names: string[] = [];
    for (let stop = 0; stop < 9; stop += 1) {
      await page.keyboard.press('Tab');
      const focused = page.locator(':focus');
      expect(await page.evaluate(OUTLINE)).toBe('solid 3px');
      names.push((await focused.getAttribute('name')) ?? (await focused.textContent()) ?? '');
    }
    expect(names).toEqual([
      ...['Skip to the state', 'state', 'text', 'running', 'Show', 'Show all'],
      ...['metrics', 'status.json', 'healthz'],
    ]);
  });

  it('prints dark on white, with exact times and without what paper cannot do', async () => {
    const { page } = await open(everything, { colorScheme: 'dark' });
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    expect(await page.getByRole('button', { name: 'Show' }).isVisible()).toBe(false);
    expect(await page.evaluate(BACKGROUND)).toBe('rgb(255, 255, 255)');
    expect(await pageFaults(page)).toEqual([]);
    expect((await page.pdf()).subarray(0, 5).toString()).toBe('%PDF-');
  });
});

/** Every image, pull, cause and certificate is named by somebody who means harm. */
function hostileContent(): PageContent {
  const content = pageContent();
  return {
    ...content,
    causes: HOSTILE.map((text) => ({ code: 'canary_failed', message: text, remedy: text })),
    trust: {
      ...{ ...content.trust, total: HOSTILE.length },
      certificates: HOSTILE.map((text) => ({ store: text, subject: text, notAfter: content.now })),
    },
    details: {
      filter: { choice: 'all', isRunning: false, text: HOSTILE[1] ?? '' },
      images: HOSTILE.map((text) => {
        const texts = { name: text, reason: text, message: text, runsIn: [text, text] };
        return pageImage({ ...texts, digest: null, state: 'failed', needsLook: true });
      }),
      ...{ matching: HOSTILE.length, total: HOSTILE.length },
      pulls: HOSTILE.map((text) => pagePull({ image: text, reason: text, message: text })),
    },
  };
}

function filteredBy(query: string): PageContent {
  const content = pageContent();
  if (content.details === null) throw new TypeError('the example has details');
  return { ...content, details: { ...content.details, filter: parseImageFilter(query) } };
}

function shown(text: string): string {
  return printable(cut(text, 160));
}
