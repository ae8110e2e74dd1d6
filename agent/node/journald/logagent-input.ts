// containerd's log as an input plugin of @sematext/logagent: a section of its configuration file names this module.
import { setImmediate as turn } from 'node:timers/promises';
import { createJournalSource } from './follow.ts';
import { type JournalReader, journalReaders } from './journal-reader.ts';
import { createLogFileSource } from './log-file.ts';
import {
  type LogagentConfig,
  type LogagentOrigin,
  parseLogagentConfig,
} from './logagent-config.ts';
import { LOGAGENT_FIELDS, logagentContext, logagentRecord } from './logagent-record.ts';
import { LogagentState } from './logagent-state.ts';
import type { FollowIncident, LogSource } from './source.ts';
import { createUploadSource } from './upload.ts';

/** Logagent's, as far as it is used. `data.object` is for what needs no parsing. */
export interface LogagentEvents {
  emit(event: 'data.object', record: object, context: object): unknown;
  emit(event: 'error', message: string): unknown;
}

/**
 * Logagent makes one for each section that names the module, starts it, and stops it when it ends.
 * It emits each entry once; killed in between two writes of its state file, again what came since.
 */
export class LogagentInput {
  readonly #config: LogagentConfig;
  readonly #events: LogagentEvents;
  readonly #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();

  /** Throws `setting_invalid`, which Logagent logs; it goes on without the input. */
  constructor(section: Readonly<Record<string, unknown>>, events: LogagentEvents) {
    this.#config = parseLogagentConfig(section);
    this.#events = events;
  }

  start(): void {
    this.#ended = this.#follow().catch((error: unknown) => {
      this.#events.emit('error', `nodeseal: the input has ended: ${String(error)}`);
    });
  }

  /** Calls back once nothing is emitted any more and the place is kept. */
  stop(done: () => void = () => undefined): void {
    this.#stop.abort();
    void this.#ended.then(done);
  }

  async #follow(): Promise<void> {
    const { from, stateFile, since, index } = this.#config;
    const state = new LogagentState(stateFile);
    const after = state.position;
    const batches = sourceOf(from).follow({
      since: since ?? new Date(),
      signal: this.#stop.signal,
      onIncident: (incident) => {
        this.#report(incident);
      },
      ...(after === undefined ? {} : { after }),
    });
    try {
      for await (const batch of batches) {
        for (const entry of batch) {
          // Some say nothing but where they stand.
          if (entry.message !== '') {
            const record = logagentRecord(entry, this.#config);
            this.#events.emit('data.object', record, logagentContext(entry, index));
          }
          state.moveTo(entry, Date.now());
        }
        // Filters and outputs have work of their own to do.
        await turn();
      }
    } finally {
      state.write();
    }
  }

  #report(incident: FollowIncident): void {
    const text = incidentText(incident);
    if (text !== undefined) this.#events.emit('error', `nodeseal: ${text}`);
  }
}

function sourceOf(from: LogagentOrigin): LogSource {
  const moreFields = LOGAGENT_FIELDS;
  switch (from.kind) {
    case 'journal': {
      const { journalctl, directory, unit } = from;
      const [reader, ...others] = journalReaders({ hostRoot: '/', journalctl, directory });
      return createJournalSource({
        readers: [withFields(reader), ...others.map(withFields)],
        ...{ unit, moreFields },
      });
    }
    case 'file':
      return createLogFileSource({ path: from.path, root: '/', uid: 0 });
    case 'upload':
      return createUploadSource({ ...from, moreFields });
  }
}

// journalctl adds them to those that are asked for anyway.
function withFields(reader: JournalReader): JournalReader {
  const names = LOGAGENT_FIELDS.filter((name) => !name.startsWith('__'));
  return { ...reader, options: [...reader.options, `--output-fields=${names.join(',')}`] };
}

function incidentText(incident: FollowIncident): string | undefined {
  switch (incident.kind) {
    case 'entry_invalid':
    case 'restart':
    case 'fallback':
      return incident.error.message;
    case 'complaint':
      return incident.text;
    case 'gap':
      return `entries are gone before they were read: ${incident.entries ?? 'nobody knows how many'}`;
    case 'suppressed':
      return `journald refused ${incident.entries} entries, because there were too many`;
    case 'older_reader':
      return `journalctl ${incident.version} reads a journal of systemd ${incident.hostVersion}`;
    case 'caught_up':
    case 'waiting':
      return undefined;
  }
}
