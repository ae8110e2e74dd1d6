import { describe, expect, it } from 'vitest';
import type { LedgerImage } from '../../../agent/audit/image-table.ts';
import { countImages } from '../../../agent/commands/run/image-counts.ts';

/** Of an image, all that is counted. */
function image(state: LedgerImage['state'], judged: boolean): LedgerImage {
  return {
    repository: 'example.io/app',
    digest: `sha256:${'ab'.repeat(32)}`,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    size: 1,
    names: [],
    firstSeen: new Date(0),
    lastSeen: new Date(0),
    pull: null,
    reverification: null,
    state,
    judged,
  };
}

describe('the images of the node', () => {
  it('are counted by state and arrival', () => {
    expect(countImages([])).toEqual([]);
    const images = [
      image('verified', true),
      image('failed', false),
      image('verified', false),
      image('verified', true),
    ];
    expect(countImages(images)).toEqual([
      { state: 'verified', arrival: 'judged', count: 2 },
      { state: 'failed', arrival: 'unjudged', count: 1 },
      { state: 'verified', arrival: 'unjudged', count: 1 },
    ]);
  });
});
