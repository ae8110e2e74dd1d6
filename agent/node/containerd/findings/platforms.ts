// What the node's platform means for whoever wants to change containerd's configuration.
import type { Finding } from '../finding.ts';
import { type PlatformName, platformOf } from '../platform.ts';

/** Whether a change to containerd's configuration stays: what is not ours to change is nobody's to fix here. */
export function isConfigOurs(platforms: readonly PlatformName[]): boolean {
  return platforms.every((name) => platformOf(name).configOwner === 'operator');
}

/** One for each platform on which a change made by hand is lost, or cannot be made. */
export function platformFindings(platforms: readonly PlatformName[]): readonly Finding[] {
  return platforms.map(platformOf).flatMap(({ name, configOwner, meaning, remedy }) => {
    if (configOwner === 'operator') return [];
    const isReadOnly = configOwner === 'read-only';
    return [
      {
        code: isReadOnly ? 'platform_read_only' : 'platform_config_generated',
        effect: 'warning',
        message: `${name}: ${meaning}`,
        remedy,
        isFixable: false,
      },
    ];
  });
}
