// A failed file operation on the host as an error with a remedy.
import { AgentError } from '../../errors.ts';

const REMEDIES: ReadonlyMap<string, string> = new Map([
  [
    'EROFS',
    'the filesystem is read-only: mount this directory writable, or use the platform’s own way to add files to its image',
  ],
  ['ENOSPC', 'the filesystem is full: free space; what was there before is still in place'],
  ['EDQUOT', 'the quota is used up: free space; what was there before is still in place'],
  ['EACCES', 'run as root, and look for SELinux or AppArmor denials'],
  ['EPERM', 'run as root with CAP_CHOWN and CAP_FOWNER, and look for an immutable flag (lsattr)'],
  [
    'EXDEV',
    'it would have to be renamed across mounts: mount the directory above it, not the directory itself',
  ],
  ['EBUSY', 'something is mounted there: unmount it (findmnt shows it)'],
  ['EISDIR', 'a directory that is not empty stands in its place: move it away'],
  ['ELOOP', 'a symbolic link stands where a file was expected: remove the link'],
]);

/** `host_write_failed`, naming what was tried on which path of the host, the errno, and the remedy. */
export function hostError(action: string, path: string, cause: unknown): AgentError {
  if (cause instanceof AgentError) return cause;
  const errno = errnoOf(cause);
  const remedy = errno === null ? undefined : REMEDIES.get(errno);
  return new AgentError(
    'host_write_failed',
    `host path ${path}: could not ${action}: ${errno ?? String(cause)}${remedy === undefined ? '' : `; ${remedy}`}`,
    { cause },
  );
}

/** The errno name of a failed system call, e.g. `ENOENT`, or null. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' ? error.code : null;
}
