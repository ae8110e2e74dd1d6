// The status page as text: what is told, in which order, how much of it, and that no text becomes markup.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PageContent } from '../../../agent/metrics/page/content.ts';
import { parseImageFilter } from '../../../agent/metrics/page/image-filter.ts';
import { MAX_IMAGES } from '../../../agent/metrics/page/images-section.ts';
import { renderPage } from '../../../agent/metrics/page/page.ts';
import { MAX_PULLS } from '../../../agent/metrics/page/pulls-section.ts';
import { MAX_CERTIFICATES } from '../../../agent/metrics/page/trust-section.ts';
import { IMAGE_STATES } from '../../../agent/metrics/labels.ts';
import { NOW, pageContent, pageImage, pagePull } from '../../support/page-content.ts';

/** Any text in any place that holds one. */
function contentOf(text: string): PageContent {
  const { details } = pageContent();
  if (details === null) throw new TypeError('the example has details');
  return pageContent({
    node: text,
    version: text,
    causes: [{ code: text, message: text, remedy: text }],
    problems: [text],
    breakGlass: { state: 'active', message: text },
    policy: { hash: `x${text}`, loadedAt: null },
    trust: {
      ...{ hash: `x${text}`, loadedAt: NOW, total: 1 },
      certificates: [{ store: text, subject: text, notAfter: NOW }],
    },
    details: {
      ...details,
      filter: { choice: 'all', isRunning: true, text },
      images: [
        pageImage({ name: text, digest: text, signer: text, runsIn: [text, text] }),
        pageImage({ state: 'failed', reason: text, message: text }),
      ],
      pulls: [pagePull({ image: text, digest: text, decision: text, reason: text, message: text })],
    },
  });
}

/** What is left of a page without its texts. */
function markupOf(page: string): string {
  return page.replaceAll(/(?<=>)[^<]*(?=<)/g, '').replaceAll(/="[^"<>]*"/g, '=""');
}

describe('any text on the page', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 40 }),
    fc.array(fc.constantFrom('<', '>', '"', "'", '&', '`', '=', '/', '</th>', '<script>', 'x')),
  );

  it('stays text: the markup around it is the same whatever it is', () => {
    const expected = markupOf(renderPage(contentOf('text')));
    fc.assert(
      fc.property(hostile, (any) => {
        const text = typeof any === 'string' ? any : any.join('');
        expect(markupOf(renderPage(contentOf(text)))).toBe(expected);
      }),
    );
  });

  it('is shown with characters that deceive as their numbers', () => {
    const page = renderPage(contentOf('good\u202Edab\n\u0000\uD800'));
    expect(page).toContain('good\\u{202e}dab\\u{a}\\u{0}\\u{d800}');
    for (const character of ['\u202E', '\u0000', '\uD800']) expect(page).not.toContain(character);
  });

  it('is escaped in an element and in an attribute', () => {
    const page = renderPage(contentOf('<b>&"\''));
    expect(page).toContain('value="&lt;b&gt;&amp;&quot;&#39;"');
    expect(page).toContain('<strong>&lt;b&gt;&amp;&quot;&#39;</strong>');
  });
});

describe('the page', () => {
  it('tells the state with causes and remedies before all else', () => {
    const page = renderPage(pageContent());
    const order = ['bypassed</h2>', 'pull_fallback', 'Take the setting', '>Coverage<', '>Images<'];
    const places = [...order, '>Last pulls<', '>Expiring trust<'].map((text) => page.indexOf(text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
    expect(page).toContain('<title>bypassed: worker-3</title>');
  });

  it.each(['enforcing', 'bypassed', 'unknown'] as const)('has words for %s', (state) => {
    const page = renderPage(pageContent({ state, causes: [], provedAt: null, node: null }));
    expect(page).toContain(`<h2 id="state">${state}</h2>`);
    expect(page).toContain('Last proved: never');
    expect(page).not.toContain('>Causes<');
  });

  it('is loud about what lets images in on purpose, and why it is not ready', () => {
    const quiet = renderPage(pageContent());
    expect(quiet).toContain('<dd class="plain">enforce</dd>');
    const loud = renderPage(
      pageContent({
        ...{ mode: 'audit', problems: ['no trust policy is in force'] },
        breakGlass: { state: 'active', message: 'until noon' },
      }),
    );
    expect(loud).toContain('<dd class="unsure">audit</dd>');
    expect(loud).toContain('<dd class="bad">until noon</dd>');
    expect(loud).toContain('<li>no trust policy is in force</li>');
  });

  it('has a share of the bar for each state that there is, and a row for every one', () => {
    const page = renderPage(pageContent());
    expect(page).toContain(
      'aria-label="37 verified, 2 stale, 1 inconclusive, 4 unverified, 2 failed"',
    );
    expect(page).toContain('<rect class="failed" x="44" y="0" width="2" height="1">');
    for (const state of IMAGE_STATES) expect(page).toContain(`class="key ${state}"`);
    const none = renderPage(pageContent({ inventory: { images: [], containers: [] } }));
    expect(none).toContain('No image is known yet.');
    expect(none).not.toContain('<svg');
  });

  it('names no image and no pull where they are not to be shown', () => {
    const page = renderPage(pageContent({ details: null }));
    expect(page).not.toContain('registry.example');
    expect(page).not.toContain('<form');
    expect(page).toContain('NODESEAL_STATUS_DETAILS=show');
    expect(page).toContain('46');
  });

  it('shows the certificates that expire soon, or the next one, and says of how many', () => {
    expect(renderPage(pageContent())).toContain(
      '3 certificates are trusted; 2 expired or will within 30 days.',
    );
    const { trust } = pageContent();
    const last = trust.certificates.slice(2);
    const quiet = renderPage(pageContent({ trust: { ...trust, certificates: last, total: 1 } }));
    expect(quiet).toContain('1 certificate is trusted; none expires within 30 days.');
    expect(quiet).toContain('CN=acme root 2');
    const none = renderPage(
      pageContent({ trust: { ...trust, certificates: [], total: 0, hash: '' } }),
    );
    expect(none).toContain('No certificate is trusted.');
  });

  it('is bounded, and tells of what it leaves out', () => {
    const long = '"'.repeat(10_000);
    const content = contentOf(long);
    const { details, trust } = content;
    if (details === null) throw new TypeError('the example has details');
    const certificates = Array.from({ length: 500 }, () => ({
      ...{ store: long, subject: long, notAfter: NOW },
    }));
    const image = pageImage({
      state: 'failed',
      name: long,
      digest: long,
      reason: long,
      message: long,
    });
    const page = renderPage({
      ...content,
      trust: { ...trust, certificates, total: 500 },
      details: {
        ...details,
        images: Array.from({ length: 500 }, () => ({
          ...image,
          runsIn: Array<string>(9).fill(long),
        })),
        ...{ matching: 500, total: 600 },
        pulls: Array.from({ length: 500 }, () => pagePull({ image: long, message: long })),
      },
    });
    expect(page.length).toBeLessThan(2 ** 21);
    expect(page.match(/<tr role="row"><th role="rowheader"/g)).toHaveLength(
      IMAGE_STATES.length + MAX_IMAGES + MAX_PULLS + MAX_CERTIFICATES,
    );
    expect(page).toContain(`500 of 600 images match. The first ${MAX_IMAGES} are shown.`);
    expect(page).toContain(`500 expired or will within 30 days. The first ${MAX_CERTIFICATES} are`);
    expect(page).toContain('and 6 more');
  });
});

describe('the filter of images', () => {
  it('is what the form sends', () => {
    expect(parseImageFilter('state=failed&text=+shop%2Fcart+&running=yes')).toEqual({
      ...{ choice: 'failed', isRunning: true, text: 'shop/cart' },
    });
  });

  it('is anything at all, and restricts by nothing that it does not know', () => {
    expect(parseImageFilter('state=good&running=1&x')).toEqual({
      ...{ choice: 'all', isRunning: false, text: '' },
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (query) => {
        expect(parseImageFilter(query).text.length).toBeLessThanOrEqual(300);
      }),
    );
  });
});
