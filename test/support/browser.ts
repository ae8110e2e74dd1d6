// A real browser for tests of pages and for their pictures: the machine's own Chromium, without a window.
import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';
import { describe, it } from 'vitest';

const CHROMIUM = '/usr/bin/chromium';
const MISSING = `needs ${CHROMIUM}, which hack/setup --tests installs`;

/** Starts it; the caller closes it. It reaches nothing but this machine. */
export function startBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    // Its sandbox cannot be had by root. It sees pages of ours only.
    args: ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1'],
  });
}

/** As `describe`; skipped, and said so, where there is no browser, which is a failure with CI=true. */
export function describeInBrowser(name: string, tests: () => void): void {
  if (existsSync(CHROMIUM)) {
    describe(name, tests);
  } else if (process.env['CI'] === 'true') {
    describe(name, () => {
      it('needs a browser', () => {
        throw new Error(MISSING);
      });
    });
  } else {
    console.warn(`Skipped "${name}": ${MISSING}`);
    describe.skip(`${name} (skipped: ${MISSING})`, tests);
  }
}
