// The journal as systemd-journal-upload sends it, where the host's files cannot be read: Journal Export Format over HTTP.
import type { JournalEntry } from './entry.ts';
import { Handover } from './handover.ts';
import type { FollowRequest, LogSource } from './source.ts';
import { UploadIntake } from './upload-intake.ts';
import { type BodyOutcome, startUploadServer, type UploadServerOptions } from './upload-server.ts';

export interface UploadOptions extends UploadServerOptions {
  /** Only entries whose writer was in this unit's cgroup are yielded. */
  readonly unit: string;
  /** Fields that entries are to have as `more`. Default: none. */
  readonly moreFields?: readonly string[];
  /** Told of the port once it listens. */
  readonly onListening?: (port: number) => void;
}

/**
 * Entries of a journal that another program sends. Listens while it is followed; throws
 * `setting_invalid` when it cannot. A body is answered as taken only once its consumer has asked for
 * more after the last of its entries, i.e. has recorded them: whatever happens before that, all of it
 * is sent again, and what was recorded of it is passed over by its numbers.
 *
 * The trusted fields are worth as much as the token is secret.
 */
export function createUploadSource(options: UploadOptions): LogSource {
  return { follow: (request) => followUploads(options, request) };
}

async function* followUploads(
  options: UploadOptions,
  request: FollowRequest,
): AsyncGenerator<readonly JournalEntry[], void> {
  if (request.signal.aborted) return;
  const intake = new UploadIntake(request, options);
  const handover = new Handover<readonly JournalEntry[]>();
  const give = async (entries: readonly JournalEntry[]): Promise<void> => {
    if (entries.length > 0) await handover.give(entries);
  };
  const take = async (body: AsyncIterable<Buffer>): Promise<BodyOutcome> => {
    intake.begin();
    for await (const chunk of body) await give(intake.take(chunk));
    if (intake.isUnfinished) return 'unfinished';
    await give(intake.end());
    request.onIncident({ kind: 'caught_up' });
    return 'taken';
  };
  const server = await startUploadServer(options, take);
  try {
    options.onListening?.(server.port);
    yield* handover.take(request.signal);
  } finally {
    await server.close();
  }
}
