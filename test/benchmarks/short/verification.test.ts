import { describe, it } from 'vitest';
import { ratios } from '../../../hack/benchmarks/measurement.ts';
import { nameOf, verificationTimes } from '../../../hack/benchmarks/verification.ts';
import { expectAsRecorded } from './recorded.ts';

const ROUNDS = 10;
const WARM_UP_MS = 150;

describe('verifying a signature that was fetched', () => {
  it.each(
    (['rsa-2048', 'rsa-4096', 'p256'] as const).flatMap((key) =>
      (['jws', 'cose'] as const).map((format) => ({ key, format })),
    ),
  )('takes as long as recorded of bare crypto.verify: $key, $format', ({ key, format }) => {
    const { oursUs, bareUs } = verificationTimes(format, key, 'before', ROUNDS, WARM_UP_MS);
    const what = `${nameOf(key, format, 'before')}: ratio of time`;
    expectAsRecorded('verification', what, ratios(oursUs, bareUs));
  });
});
