// From what containerd's log is read on this node, as the settings say.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import { AgentError } from '../../errors.ts';
import { createSystemd } from '../../node/host/systemd.ts';
import { createJournalSource } from '../../node/journald/follow.ts';
import { journalReaders } from '../../node/journald/journal-reader.ts';
import { createLogFileSource } from '../../node/journald/log-file.ts';
import { readContainerdEntry, readEntry } from '../../node/journald/reading.ts';
import type { JournalWriters } from '../../node/journald/trusted.ts';
import { createUploadSource } from '../../node/journald/upload.ts';
import type { FollowedHost } from './followed-host.ts';
import type { JournalParts } from './journal.ts';

/** What of `JournalParts` a source brings. */
export type SourceParts = Pick<JournalParts, 'name' | 'source' | 'read'>;

/** Root: a log file is trusted as far as nobody else can have written to it. */
const FILE_OWNER = 0;

/**
 * The sources of this node: the journal, as it is here or as it is sent, and beside it the file that
 * containerd writes to, where it does. Throws `setting_invalid` where settings do not go together or
 * name a file that cannot be used.
 */
export function logSourcesOf(config: Config, host: FollowedHost): readonly SourceParts[] {
  const { verifierFile: verifierPath } = host.now.layout;
  const { containerdUnit: unit } = config;
  const writers: JournalWriters = {
    ...{ unit, verifierPath, otherVerifierPaths: host.verifiersEver },
    // It may be set to another while we run.
    get verifierTimeoutMs() {
      return host.verifierTimeoutMs;
    },
  };
  return [
    config.journalUploadListen === undefined
      ? journaldOf(config, host, writers)
      : uploadOf(config, config.journalUploadListen, writers),
    ...(config.containerdLog === undefined ? [] : [fileOf(config, config.containerdLog, writers)]),
  ];
}

function journaldOf(config: Config, host: FollowedHost, writers: JournalWriters): SourceParts {
  const { journalctl, journalDirectory: directory } = config;
  const systemd = createSystemd(host.now.root);
  const source = createJournalSource({
    readers: journalReaders({ hostRoot: host.now.root, journalctl, directory }),
    unit: writers.unit,
    hostVersion: (signal) => systemd.readVersion(signal),
  });
  return { name: 'journald', source, read: (entry) => readEntry(entry, writers) };
}

function fileOf(config: Config, path: string, writers: JournalWriters): SourceParts {
  const { hostRoot: root } = config;
  const source = createLogFileSource({ path: join(root, path), root, uid: FILE_OWNER });
  return { name: 'file', source, read: (entry) => readContainerdEntry(entry, writers) };
}

function uploadOf(
  config: Config,
  address: NonNullable<Config['journalUploadListen']>,
  writers: JournalWriters,
): SourceParts {
  const tls = tlsOf(config);
  const source = createUploadSource({
    ...address,
    unit: writers.unit,
    token: tokenOf(config.journalUploadTokenFile),
    ...(tls === undefined ? {} : { tls }),
  });
  return { name: 'upload', source, read: (entry) => readEntry(entry, writers) };
}

/** Long enough for a random one not to be guessed; a UUID has 36 characters. */
const TOKEN = /^[A-Za-z0-9_-]{32,256}$/;

function tokenOf(path: string | undefined): string {
  const variable = 'NODESEAL_JOURNAL_UPLOAD_TOKEN_FILE';
  if (path === undefined) {
    throw invalid(`${variable}: expected a file, because anybody could upload, found none`);
  }
  const token = contentOf(variable, path).trim();
  // What was found is a secret.
  if (!TOKEN.test(token)) {
    throw invalid(`${variable}: expected 32 to 256 letters, digits, - and _ in ${path}`);
  }
  return token;
}

function tlsOf({ journalUploadCertificate: certificate, journalUploadKey: key }: Config) {
  if (certificate === undefined && key === undefined) return undefined;
  if (certificate === undefined || key === undefined) {
    throw invalid(
      'NODESEAL_JOURNAL_UPLOAD_CERTIFICATE and NODESEAL_JOURNAL_UPLOAD_KEY: expected both or none',
    );
  }
  return {
    certificate: contentOf('NODESEAL_JOURNAL_UPLOAD_CERTIFICATE', certificate),
    key: contentOf('NODESEAL_JOURNAL_UPLOAD_KEY', key),
  };
}

function contentOf(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AgentError('setting_invalid', `${variable}: ${String(cause)}`, { cause });
  }
}

function invalid(message: string): AgentError {
  return new AgentError('setting_invalid', message);
}
