// The directories above paths of the host, in the order in which they are made or removed.
import { dirname } from 'node:path';

/** Every directory above the paths, those nearer to the root first. */
export function ancestorsOf(paths: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  for (const path of paths) {
    for (let above = dirname(path); above !== '/' && above !== '.'; above = dirname(above)) {
      found.add(above);
    }
  }
  return new Set([...found].sort((a, b) => depth(a) - depth(b)));
}

/** In the order in which they can be removed. */
export function deepestFirst(paths: readonly string[]): string[] {
  return [...paths].sort((a, b) => depth(b) - depth(a));
}

function depth(path: string): number {
  return path.split('/').length;
}
