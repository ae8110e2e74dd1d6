import { dirname, basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openBundle } from '../../../agent/commands/run/carried-bundle.ts';
import { layoutWithSignature, SUBJECT } from '../../support/bundle-layout.ts';
import { temporaryDirectory } from '../../support/front-door.ts';
import { SIGNATURE_TYPE } from '../../support/registry.ts';

const NOW = new Date('2026-06-01T00:00:00Z');

async function open(directory: string, bundleDir: string | undefined) {
  const lines: string[] = [];
  const note = (...words: readonly unknown[]) => void lines.push(words.map(textOf).join(' '));
  const config = { hostRoot: directory, bundleDir };
  return { bundle: await openBundle(config, NOW, { info: note, warn: note }), lines };
}

function textOf(word: unknown): string {
  return typeof word === 'string' ? word : JSON.stringify(word);
}

describe('the bundle of a node', () => {
  it('is looked for on the host, and the log says how old it is', async () => {
    const { layout, signature } = layoutWithSignature();
    const { directory } = layout;
    const { bundle, lines } = await open(dirname(directory), `/${basename(directory)}`);
    expect(lines).toEqual([
      'signatures, CRLs and OCSP responses are looked for in a bundle of 2026-05-30T00:00:00.000Z, 2 days old',
    ]);
    const listed = await bundle?.list(SUBJECT, SIGNATURE_TYPE);
    expect(listed?.descriptors[0]?.digest).toBe(signature.digest);
  });

  it('may come later: that it cannot be read is only told', async () => {
    const { bundle, lines } = await open(temporaryDirectory(), '/nowhere');
    expect(bundle).toBeDefined();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('bundle_invalid');
  });

  it('is none where none is set', async () => {
    expect(await open('/', undefined)).toEqual({ bundle: undefined, lines: [] });
  });
});
