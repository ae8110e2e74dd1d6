// From what containerd's log is read on this node, as the settings say.
import type { Config } from '../../config.ts';
import { createSystemd } from '../../node/host/systemd.ts';
import { createJournalSource } from '../../node/journald/follow.ts';
import { journalReaders } from '../../node/journald/journal-reader.ts';
import type { FollowedHost } from './followed-host.ts';
import type { JournalParts } from './journal.ts';

/** What of `JournalParts` a source brings. */
export type SourceParts = Pick<JournalParts, 'name' | 'source' | 'writers'>;

/** The host's journal. */
export function journaldOf(config: Config, host: FollowedHost): SourceParts {
  const { containerdUnit: unit, journalctl, journalDirectory: directory } = config;
  const systemd = createSystemd(host.now.root);
  const source = createJournalSource({
    readers: journalReaders({ hostRoot: host.now.root, journalctl, directory }),
    unit,
    hostVersion: (signal) => systemd.readVersion(signal),
  });
  const { verifierFile: verifierPath } = host.now.layout;
  const writers = { unit, verifierPath, otherVerifierPaths: host.verifiersEver };
  return { name: 'journald', source, writers };
}
