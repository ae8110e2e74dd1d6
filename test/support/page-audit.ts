// What a reader with other eyes, or none, needs of a page, looked at in the browser itself.
import type { Page } from 'playwright-core';

/** Sentences, one per fault; none is good. */
export async function pageFaults(page: Page): Promise<readonly string[]> {
  return page.evaluate<string[]>(AUDIT);
}

/**
 * WCAG 2.2 AA as far as a program can tell it: contrast of text (1.4.3), headings in steps and tables
 * with heads (1.3.1), labels (3.3.2), landmarks (2.4.1), targets (2.5.8), no sideways scrolling
 * (1.4.10), language and title (3.1.1, 2.4.2).
 */
const AUDIT = String.raw`(() => {
  const faults = [];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const nameOf = (element) => element.localName + ' ' + element.textContent.trim().slice(0, 40);
  const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number);
  const luminance = (colour) => {
    const [r, g, b] = channels(colour).slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      const [, , , alpha = 1] = channels(backgroundColor);
      if (alpha === 1) return backgroundColor;
    }
    return 'rgb(255, 255, 255)';
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let looked = 0;
  while (texts.nextNode() !== null) {
    const element = texts.currentNode.parentElement;
    if (texts.currentNode.data.trim() === '' || element.closest('svg') !== null) continue;
    const [dark, light] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))]
      .sort((a, b) => a - b);
    looked += 1;
    const contrast = (light + 0.05) / (dark + 0.05);
    if (!(contrast >= 4.5)) faults.push('contrast ' + contrast.toFixed(2) + ': ' + nameOf(element));
  }
  if (looked < 20) faults.push('hardly any text');
  const levels = all('h1, h2, h3, h4').map((heading) => Number(heading.localName[1]));
  if (levels.filter((level) => level === 1).length !== 1) faults.push('not one h1');
  levels.forEach((level, index) => {
    if (level > (levels[index - 1] ?? 0) + 1) faults.push('heading of level ' + level + ' skips one');
  });
  for (const landmark of ['header', 'main', 'footer', 'nav[aria-label]']) {
    if (all(landmark).length !== 1) faults.push('not one ' + landmark);
  }
  for (const section of all('section')) {
    const heading = document.getElementById(section.getAttribute('aria-labelledby') ?? '');
    if (heading === null || !section.contains(heading)) faults.push('section without name');
  }
  const ids = all('[id]').map(({ id }) => id);
  if (new Set(ids).size !== ids.length) faults.push('an id twice');
  for (const control of all('input, select')) {
    if (control.labels.length === 0) faults.push('no label: ' + nameOf(control));
  }
  for (const target of all('button, select, input')) {
    const { width, height } = target.getBoundingClientRect();
    if (width > 0 && Math.min(width, height) < 20) faults.push('small: ' + nameOf(target));
  }
  for (const table of all('table')) {
    if (table.caption === null) faults.push('table without caption');
    if (all('th:not([scope])', table).length > 0) faults.push('head of nothing in a table');
    const columns = all('thead th', table).length;
    for (const row of all('tbody tr', table)) {
      if (row.cells.length !== columns) faults.push('cells that do not fit: ' + nameOf(row));
      if (all('th[scope=row]', row).length !== 1) faults.push('row without head: ' + nameOf(row));
    }
  }
  for (const image of all('svg')) {
    if (image.getAttribute('role') !== 'img' || !image.getAttribute('aria-label')) {
      faults.push('picture without words');
    }
  }
  if (document.documentElement.lang === '') faults.push('no language');
  if (document.title === '') faults.push('no title');
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth > clientWidth) faults.push('scrolls sideways by ' + (scrollWidth - clientWidth));
  return faults;
})()`;
