// The version of this build.

/** Put in by the build; a program that runs from its sources has none. */
declare const NODESEAL_VERSION: string | undefined;

/** As package.json says it; `0.0.0-source` when run from the sources. */
export const VERSION = typeof NODESEAL_VERSION === 'string' ? NODESEAL_VERSION : '0.0.0-source';
