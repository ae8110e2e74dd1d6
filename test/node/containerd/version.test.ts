import { describe, expect, it } from 'vitest';
import { isSupported } from '../../../agent/node/containerd/version.ts';

describe('a version of containerd', () => {
  it.each([
    '2.1.0',
    '2.1.9',
    'v2.3.4',
    '2.4.0-beta+unknown',
    '2.1.9~ds1',
    '2.10.0',
    '3.0.0',
    '10.0',
  ])('%s runs verifiers for CRI pulls', (version) => {
    expect(isSupported(version)).toBe(true);
  });
  it.each([
    '1.7.34',
    'v2.0.11',
    '2.0',
    '1.99.0',
    '',
    '2',
    'unknown',
    ' 2.1.0',
    '2.x',
    '99999.1',
    '2.10000',
  ])('%j does not, or is no version', (version) => {
    expect(isSupported(version)).toBe(false);
  });
});
