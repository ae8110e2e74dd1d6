// How long a review may take: as long as is set, and never longer than the API server waits.

/** The API server gives up at its own time; an answer has to be there before. */
const SHARE = 0.8;
/** What the API server sets at most. */
const MAX_TIMEOUT_MS = 30_000;

/** From the query of the request, where the API server says `timeout=10s`. */
export function deadlineAskedMs(url: string, setMs: number): number {
  const [, queryText = ''] = url.split('?', 2);
  const query = new URLSearchParams(queryText);
  const [, number = '', unit] =
    /^(\d{1,5}(?:\.\d{1,3})?)(ms|s)$/.exec(query.get('timeout') ?? '') ?? [];
  const askedMs = number === '' ? MAX_TIMEOUT_MS : Number(number) * (unit === 's' ? 1000 : 1);
  return Math.max(1, Math.min(setMs, askedMs * SHARE));
}
