// Gathers everything about a node that findings are made of.
import { readBinDir } from './bin-dir.ts';
import { type EffectiveConfigSources, readEffectiveConfig } from './effective-config.ts';
import type { NodeEvidence } from './findings.ts';
import { detectPlatforms } from './platform.ts';
import { readPlatformFacts } from './platform-facts.ts';
import { parsePullSettings } from './pull-settings.ts';

/**
 * Reads the effective configuration, the `bin_dir` that it names and the platform. Throws what
 * `readEffectiveConfig` and `parsePullSettings` throw: then nothing is known.
 */
export async function readNodeEvidence(
  sources: EffectiveConfigSources,
  verifierFile: string,
  signal: AbortSignal,
): Promise<NodeEvidence> {
  const config = await readEffectiveConfig(sources, signal);
  const { binDir } = parsePullSettings(config.values).verifier;
  return {
    config,
    binDir: await readBinDir(sources.host, binDir, config.process.pid),
    platforms: detectPlatforms(await readPlatformFacts(sources.host, config.configPath)),
    verifierFile,
  };
}
