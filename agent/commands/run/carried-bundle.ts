// The bundle that was carried in, and what the log says of it when the agent or the webhook starts.
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../../config.ts';
import { AgentError } from '../../errors.ts';
import { Bundle, describeAge } from '../../verifier/bundle/bundle.ts';

/** Undefined where none is set. One that cannot be read may come yet, and is only told of. */
export async function openBundle(
  { hostRoot, bundleDir }: Pick<Config, 'hostRoot' | 'bundleDir'>,
  now: Date,
  log: Pick<Logger, 'info' | 'warn'>,
): Promise<Bundle | undefined> {
  if (bundleDir === undefined) return undefined;
  const bundle = new Bundle(join(hostRoot, bundleDir));
  try {
    log.info(
      await describeAge(bundle, 'signatures, CRLs and OCSP responses are looked for in', now),
    );
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    log.warn({ code: error.code }, error.message);
  }
  return bundle;
}
