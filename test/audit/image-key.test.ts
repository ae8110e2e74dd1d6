// Which image a record is about.
import { describe, expect, it } from 'vitest';
import { imageKeyOf } from '../../agent/audit/image-key.ts';
import { digestOf, recordOf, REPOSITORY } from './images.ts';

describe('imageKeyOf', () => {
  it.each([`${REPOSITORY}:v1`, `${REPOSITORY}@${digestOf(1)}`, `${REPOSITORY}:v1@${digestOf(1)}`])(
    'finds the repository in %s',
    (name) => {
      expect(imageKeyOf(recordOf(name, 1))).toEqual({
        repository: REPOSITORY,
        digest: digestOf(1),
      });
    },
  );

  it.each([digestOf(9), 'busybox', 'import-2026-08-22@' + digestOf(1), '', 'A b/c\n'])(
    'finds none in %j',
    (name) => {
      expect(imageKeyOf(recordOf(name, 1))).toEqual({ repository: '', digest: digestOf(1) });
    },
  );
});
