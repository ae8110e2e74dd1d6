// What a status page is made from, of a node on which everything is to be seen.
import type { PageContent, PageImage, PagePull } from '../../agent/metrics/page/content.ts';

export const NOW = new Date('2026-08-22T10:00:00Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const minutesAgo = (minutes: number): Date => new Date(NOW.getTime() - minutes * MINUTE_MS);
const inDays = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);
const digestOf = (hex: string): string => `sha256:${hex.repeat(64 / hex.length)}`;

export function pageImage(change: Partial<PageImage> = {}): PageImage {
  return {
    name: 'registry.example/shop/frontend:2.4.1',
    others: 0,
    digest: digestOf('a1b2c3d4'),
    state: 'verified',
    cause: 'pulled',
    needsLook: false,
    since: minutesAgo(6000),
    reason: 'verified',
    message: 'verified by policy statement "production"',
    signer: 'CN=release,O=Example,ST=WA,C=US',
    runsIn: ['shop/frontend-7d9c5bd6f4-x2vqp'],
    ...change,
  };
}

export function pagePull(change: Partial<PagePull> = {}): PagePull {
  return {
    at: minutesAgo(12),
    image: 'registry.example/shop/frontend:2.4.1',
    digest: digestOf('a1b2c3d4'),
    isAdmitted: true,
    decision: 'allow',
    reason: 'verified',
    message: 'verified by policy statement "production"',
    mode: 'enforce',
    ...change,
  };
}

/** A node with a break-glass file that does not count, images of every state and a certificate about to expire. */
export function pageContent(change: Partial<PageContent> = {}): PageContent {
  return {
    now: NOW,
    version: '1.2.3',
    node: 'worker-3',
    state: 'bypassed',
    causes: [
      {
        code: 'pull_fallback',
        message:
          'containerd said at its start that it pulls images for kubelet by itself, which no verifier is asked about. It named configs.',
        remedy: 'Take the setting that it names out of its configuration, and restart it.',
      },
      {
        code: 'canary_pending',
        message: 'No canary has come to an end since containerd or the agent started.',
        remedy: 'Wait for it: one is tried at once, and again until it tells.',
      },
    ],
    provedAt: minutesAgo(95),
    mode: 'enforce',
    breakGlass: { state: 'absent', message: 'none' },
    problems: [],
    policy: { hash: '5e'.repeat(32), loadedAt: minutesAgo(3000) },
    trust: {
      hash: 'c4'.repeat(32),
      loadedAt: minutesAgo(3000),
      certificates: [
        { store: 'ca:acme', subject: 'CN=acme root 1,O=Example,C=US', notAfter: inDays(-2) },
        { store: 'tsa:acme', subject: 'CN=acme time,O=Example,C=US', notAfter: inDays(12) },
        { store: 'ca:acme', subject: 'CN=acme root 2,O=Example,C=US', notAfter: inDays(900) },
      ],
      total: 3,
    },
    inventory: {
      images: [
        { state: 'verified', cause: 'pulled', count: 31 },
        { state: 'verified', cause: 'present-before-install', count: 6 },
        { state: 'stale', cause: 'pulled', count: 2 },
        { state: 'inconclusive', cause: 'imported', count: 1 },
        { state: 'unverified', cause: 'skipped-by-policy', count: 4 },
        { state: 'failed', cause: 'bypassed', count: 2 },
      ],
      containers: [
        { state: 'verified', count: 44 },
        { state: 'unverified', count: 5 },
        { state: 'failed', count: 1 },
      ],
    },
    journalLagSeconds: 0.2,
    details: {
      filter: { choice: 'all', isRunning: false, text: '' },
      images: IMAGES,
      matching: IMAGES.length,
      total: IMAGES.length,
      pulls: PULLS,
    },
    ...change,
  };
}

const IMAGES: readonly PageImage[] = [
  pageImage({
    ...{ name: 'registry.example/tools/debug:latest', digest: digestOf('0badcafe') },
    ...{ state: 'failed', cause: 'bypassed', needsLook: true, since: minutesAgo(40) },
    ...{ reason: 'signature_missing', message: 'no signature is attached', signer: null },
    runsIn: ['default/debug'],
  }),
  pageImage({
    ...{ name: 'registry.example/shop/cart:1.9.0', digest: digestOf('77e10a3c'), others: 2 },
    ...{ state: 'stale', needsLook: true, since: minutesAgo(18), signer: null },
    ...{ reason: 'registry_unreachable', message: 'registry.example did not answer in time' },
    runsIn: ['shop/cart-0', 'shop/cart-1', 'shop/cart-2', 'shop/cart-3'],
  }),
  pageImage({
    ...{ name: 'registry.k8s.io/pause:3.10', digest: digestOf('ee6521f2'), signer: null },
    ...{ state: 'unverified', cause: 'skipped-by-policy', since: minutesAgo(90_000) },
    ...{ reason: 'skipped_by_policy', message: 'policy statement "system" asks for none' },
    runsIn: [],
  }),
  pageImage(),
];

const PULLS: readonly PagePull[] = [
  pagePull(),
  pagePull({
    ...{ at: minutesAgo(25), image: 'registry.example/shop/frontend:nightly' },
    ...{ digest: digestOf('deadbeef'), isAdmitted: false, decision: 'deny' },
    ...{ reason: 'signature_missing', message: 'no signature is attached' },
  }),
  pagePull({
    ...{ at: minutesAgo(40), image: 'registry.example/tools/debug:latest' },
    ...{ digest: digestOf('0badcafe'), decision: 'deny', mode: 'break_glass' },
    ...{ reason: 'signature_missing', message: 'no signature is attached' },
  }),
];
