// Since when our verifier is on this host, as its files tell.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Ledger } from '../../audit/ledger.ts';
import type { Host } from '../host-install.ts';

/** Notes it: what was in the image store before then came before there was a verifier to ask. */
export function noteInstallation(ledger: Pick<Ledger, 'noteFirst'>, host: Host): void {
  const since = installedSince(host);
  if (since !== null) ledger.noteFirst('installed', since);
}

/**
 * The earliest trace of an installation that is there now; null where no verifier is. An update
 * replaces the verifier but not the folder that was made for it; a folder that was there before makes
 * this too early, so that less can be said of an image, and nothing wrong.
 */
function installedSince({ root, layout }: Host): Date | null {
  const verifier = statOf(join(root, layout.verifierFile));
  if (verifier === undefined) return null;
  const own = statOf(join(root, layout.ownDir));
  // Not every filesystem tells when something was made.
  const madeMs = own !== undefined && own.birthtimeMs > 0 ? own.birthtimeMs : Infinity;
  return new Date(Math.min(verifier.mtimeMs, madeMs));
}

function statOf(path: string) {
  return statSync(path, { throwIfNoEntry: false });
}
