// Where things are on the host. All paths are as the host sees them, whatever this process has the host mounted at.

/** containerd's default `bin_dir` of image verifiers; it executes every entry of it on each pull. */
export const DEFAULT_BIN_DIR = '/opt/containerd/image-verifier/bin';

/** What a file on the host is for; files are written in this order. */
export const PLACES = ['trust', 'policy', 'settings', 'verifier'] as const;
export type Place = (typeof PLACES)[number];

/** The paths of one host. */
export interface HostLayout {
  readonly policyFile: string;
  /** Holds `x509/{ca,signingAuthority,tsa}/NAME/`. */
  readonly trustStoreDir: string;
  readonly registryHostsDir: string;
  readonly ownDir: string;
  /** What the verifier reads when it starts. */
  readonly settingsFile: string;
  /** What was installed, so that uninstalling removes exactly that. */
  readonly manifestFile: string;
  /** Where containerd's configuration, as it stands, has it look for verifiers. */
  readonly verifierFile: string;
  /** Where a containerd that has not been started anew since may still look. */
  readonly olderVerifierFiles: readonly string[];
  readonly socket: string;
  readonly lockFile: string;
  /** By which somebody lets every image in for a while; see `agent/pull/break-glass.ts`. */
  readonly breakGlassFile: string;
  readonly stateDir: string;
  /** CRLs that were fetched; what is read from it is verified anew. */
  readonly crlCacheDir: string;
  /** Holds a folder for each verification plugin; whoever runs the node puts them there. */
  readonly pluginDir: string;
}

/** The layout for an effective `bin_dir`, and for those that may be in force still. */
export function createLayout(binDir = DEFAULT_BIN_DIR, ...older: readonly string[]): HostLayout {
  return {
    policyFile: '/etc/containerd/notation-policy.json',
    trustStoreDir: '/etc/containerd/notation/truststore',
    registryHostsDir: '/etc/containerd/certs.d',
    ownDir: '/opt/nodeseal',
    settingsFile: '/opt/nodeseal/verifier.json',
    manifestFile: '/opt/nodeseal/installed.json',
    verifierFile: verifierIn(binDir),
    olderVerifierFiles: older.map(verifierIn),
    socket: '/run/nodeseal/agent.sock',
    // Gone with a reboot, as is everybody who could hold it.
    lockFile: '/run/nodeseal/install.lock',
    // Gone with a reboot too: no clock that starts anew can bring an old one back into its time.
    breakGlassFile: '/run/nodeseal/break-glass.json',
    stateDir: '/var/lib/nodeseal',
    crlCacheDir: '/var/lib/nodeseal/crl',
    pluginDir: '/opt/nodeseal/plugins',
  };
}

/** Ours alone, whatever `bin_dir` it is in. */
const VERIFIER_NAME = 'nodeseal-verifier';

function verifierIn(binDir: string): string {
  let end = binDir.length;
  while (binDir.endsWith('/', end)) end -= 1;
  return `${binDir.slice(0, end)}/${VERIFIER_NAME}`;
}

/** Everywhere that the verifier is to be. */
export function verifierFiles(layout: HostLayout): readonly string[] {
  return [layout.verifierFile, ...layout.olderVerifierFiles];
}

/**
 * What the file at a path is for, or null when it is none of those we install. `bin_dir` may move: a
 * verifier is one wherever it is.
 */
export function placeOf(layout: HostLayout, path: string): Place | null {
  if (path.startsWith(`${layout.trustStoreDir}/x509/`)) return 'trust';
  if (path === layout.settingsFile) return 'settings';
  if (path === layout.policyFile) return 'policy';
  return path.endsWith(`/${VERIFIER_NAME}`) ? 'verifier' : null;
}

/** Tells whether a directory, once we made it, is for what is ours alone, whatever else is in it. */
export function isOwnDirectory(layout: HostLayout, path: string): boolean {
  const binDirs = verifierFiles(layout).map(parentOf);
  // `/` is above a `bin_dir` such as /verifiers, and not for what is ours.
  const aboveBinDirs = binDirs.map((binDir) => parentOf(binDir) || binDir);
  const roots = [layout.ownDir, parentOf(layout.trustStoreDir), ...aboveBinDirs];
  return roots.some((root) => path === root || path.startsWith(`${root}/`));
}

/**
 * Where a file is written before it is renamed into place: in the same mount, because a rename
 * cannot leave one, and neither in `bin_dir`, whose every entry is executed, nor in a trust store,
 * whose every entry must be a certificate.
 */
export function stagingDirOf(layout: HostLayout, path: string): string {
  const place = placeOf(layout, path);
  if (place === 'verifier') return `${parentOf(parentOf(path))}/${STAGING_NAME}`;
  if (place === 'policy') return `${parentOf(path)}/${STAGING_NAME}`;
  return `${place === 'trust' ? layout.trustStoreDir : layout.ownDir}/${STAGING_NAME}`;
}

const STAGING_NAME = '.nodeseal-staging';

/** Every staging directory; outside a run none of them exists. `verifiers` are those of other layouts. */
export function stagingDirs(
  layout: HostLayout,
  verifiers: readonly string[] = [],
): readonly string[] {
  const { trustStoreDir, policyFile, settingsFile } = layout;
  const trust = `${trustStoreDir}/x509/any`;
  const paths = [trust, policyFile, settingsFile, ...verifierFiles(layout), ...verifiers];
  return [...new Set(paths.map((path) => stagingDirOf(layout, path)))];
}

// Not by node:path: the pull verifier knows its paths from here, and would load it on each pull.
function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
