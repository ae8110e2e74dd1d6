// How an image came, by the evidence that there is.
import { describe, expect, it } from 'vitest';
import {
  type ArrivalEvidence,
  arrivalOf,
  arrivalSpan,
  type PullEvidence,
  type RecordTimes,
  type Watch,
} from '../../agent/audit/image-arrival.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const INSTALLED = 1_000_000 * MINUTE;
const IMPORTED = INSTALLED + HOUR;
const BEFORE = INSTALLED - HOUR;

/** Installed and watched from the same moment; the journal is read to the end. */
const WATCH: Watch = {
  ...{ installedMs: INSTALLED, beganMs: INSTALLED },
  readToMs: IMPORTED + 2 * HOUR,
  gaps: [],
};

function tag(createdMs: number | null, change: Partial<RecordTimes> = {}): RecordTimes {
  return { isPinned: false, hasMoved: false, createdMs, updatedMs: createdMs, ...change };
}
const pinned = (createdMs: number) => tag(createdMs, { isPinned: true });

function evidence(
  records: readonly RecordTimes[],
  pull: PullEvidence | null = null,
  firstSeenMs = IMPORTED,
): ArrivalEvidence {
  return { records, pull, firstSeenMs, isPulling: false };
}
const pullAt = (atMs: number, change: Partial<PullEvidence> = {}): PullEvidence => ({
  ...{ isIn: true, isJudged: true, untilMs: atMs + HOUR },
  ...change,
});

describe('an image', () => {
  it('was imported when it came under our eyes and without a pull', () => {
    expect(arrivalOf(evidence([tag(IMPORTED)]), WATCH)).toBe('imported');
  });

  it('was there before when its records are older than our verifier', () => {
    const early = evidence([tag(BEFORE)], null, INSTALLED + 1);
    expect(arrivalOf(early, WATCH)).toBe('present-before-install');
    expect(arrivalOf(evidence([tag(INSTALLED - 1)]), WATCH)).toBe('present-before-install');
    expect(arrivalOf(evidence([tag(INSTALLED)]), WATCH)).toBe('imported');
  });

  it('was pulled when our verifier judged its pull, be it long after it came', () => {
    expect(arrivalOf(evidence([tag(IMPORTED)], pullAt(IMPORTED - 1000)), WATCH)).toBe('pulled');
    expect(arrivalOf(evidence([tag(BEFORE)], pullAt(IMPORTED)), WATCH)).toBe('pulled');
  });

  it('came around our verifier when it was pulled without a verdict', () => {
    const around = pullAt(IMPORTED, { isJudged: false });
    expect(arrivalOf(evidence([tag(IMPORTED)], around), WATCH)).toBe('bypassed');
  });

  it('was there before also when its pull is on record: there was no verifier to pass over', () => {
    const early = pullAt(BEFORE, { isJudged: false });
    expect(arrivalOf(evidence([tag(BEFORE)], early), WATCH)).toBe('present-before-install');
    const unknown = { ...WATCH, installedMs: null };
    expect(arrivalOf(evidence([tag(BEFORE)], early), unknown)).toBe('bypassed');
  });

  it('was imported when its pull was refused', () => {
    const refused = pullAt(IMPORTED - 1000, { isIn: false });
    expect(arrivalOf(evidence([tag(IMPORTED)], refused), WATCH)).toBe('imported');
  });

  it('was imported when it was pulled once and removed since', () => {
    const old = pullAt(IMPORTED - 2 * HOUR);
    const early = { ...WATCH, installedMs: BEFORE - HOUR, beganMs: BEFORE - HOUR };
    expect(arrivalOf(evidence([tag(IMPORTED)], old), early)).toBe('imported');
    expect(arrivalOf(evidence([tag(IMPORTED)], pullAt(IMPORTED - HOUR)), early)).toBe('pulled');
  });

  it('has no record when it came between our installation and this ledger', () => {
    const late = { ...WATCH, beganMs: IMPORTED + 1 };
    expect(arrivalOf(evidence([tag(IMPORTED)], null, IMPORTED + 2), late)).toBe('no-record');
    expect(arrivalOf(evidence([tag(IMPORTED)]), { ...WATCH, beganMs: IMPORTED })).toBe('imported');
  });

  it.each([
    ['of the installation', { installedMs: null }],
    ['of the beginning', { beganMs: null }],
  ])('has no record where nothing is known %s', (_, unknown) => {
    expect(arrivalOf(evidence([tag(IMPORTED)]), { ...WATCH, ...unknown })).toBe('no-record');
  });

  it('has no record until the journal is read to where its pull would stand', () => {
    const image = evidence([tag(IMPORTED)]);
    expect(arrivalOf(image, { ...WATCH, readToMs: null })).toBe('no-record');
    expect(arrivalOf(image, { ...WATCH, readToMs: IMPORTED - 1 })).toBe('no-record');
    expect(arrivalOf(image, { ...WATCH, readToMs: IMPORTED })).toBe('imported');
  });

  it.each([
    ['over all of it', IMPORTED - HOUR, IMPORTED + HOUR],
    ['that ends as it comes', IMPORTED - HOUR, IMPORTED],
    ['where the end of its pull would stand', IMPORTED + MINUTE, IMPORTED + 2 * MINUTE],
  ])('has no record where the log has a gap %s', (_, fromMs, toMs) => {
    const image = evidence([tag(IMPORTED)]);
    const watch = { ...WATCH, gaps: [{ fromMs, toMs }] };
    expect(arrivalOf(image, watch)).toBe('no-record');
    // What is known in spite of it is known.
    expect(arrivalOf(evidence([tag(IMPORTED)], pullAt(IMPORTED - 1)), watch)).toBe('pulled');
  });

  it('was imported all the same when the gap is elsewhere', () => {
    const gaps = [
      { fromMs: INSTALLED, toMs: IMPORTED - 1 },
      { fromMs: IMPORTED + HOUR + 1, toMs: IMPORTED + 2 * HOUR },
    ];
    expect(arrivalOf(evidence([tag(IMPORTED)]), { ...WATCH, gaps })).toBe('imported');
  });

  it('has no record while a pull of its name has begun and is not told to its end', () => {
    const image = evidence([tag(IMPORTED)]);
    expect(arrivalOf({ ...image, isPulling: true }, WATCH)).toBe('no-record');
    const early = { ...evidence([tag(BEFORE)]), isPulling: true };
    expect(arrivalOf(early, WATCH)).toBe('present-before-install');
  });
});

describe('the span of an arrival', () => {
  it('of a tag that may have moved is from its making to its last change', () => {
    const moved = tag(BEFORE, { updatedMs: IMPORTED });
    const span = { earliestMs: BEFORE, latestMs: IMPORTED };
    expect(arrivalSpan(evidence([moved]))).toEqual(span);
    // It may be from before and it may not: neither is claimed.
    expect(arrivalOf(evidence([moved]), WATCH)).toBe('no-record');
  });

  it('of a tag that the ledger saw move is that move', () => {
    const moved = tag(BEFORE, { updatedMs: IMPORTED, hasMoved: true });
    expect(arrivalOf(evidence([moved]), WATCH)).toBe('imported');
  });

  it('of a record named by digest is its making, whatever was changed since', () => {
    const record = { ...pinned(BEFORE), updatedMs: IMPORTED };
    expect(arrivalSpan(evidence([record]))).toEqual({ earliestMs: BEFORE, latestMs: BEFORE });
    expect(arrivalOf(evidence([record, tag(BEFORE, { updatedMs: IMPORTED })]), WATCH)).toBe(
      'present-before-install',
    );
  });

  it('ends when the image was first seen', () => {
    const record = tag(BEFORE, { updatedMs: IMPORTED + HOUR });
    expect(arrivalSpan(evidence([record]))).toMatchObject({ latestMs: IMPORTED });
  });

  it('is not held to what was seen before the image was removed and came again', () => {
    const seen = evidence([pinned(IMPORTED)], null, BEFORE);
    expect(arrivalSpan(seen)).toEqual({ earliestMs: IMPORTED, latestMs: IMPORTED });
  });

  it('of records without times is unknown, up to when the image was first seen', () => {
    const span = { earliestMs: -Infinity, latestMs: IMPORTED };
    expect(arrivalSpan(evidence([tag(null)]))).toEqual(span);
    expect(arrivalSpan(evidence([{ ...tag(null), isPinned: true }]))).toEqual(span);
    expect(arrivalSpan(evidence([]))).toEqual(span);
    expect(arrivalOf(evidence([tag(null)]), WATCH)).toBe('no-record');
  });
});
