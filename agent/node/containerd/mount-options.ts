// How the file system that a path is on was mounted: /proc/PID/mountinfo, as proc(5) describes it.

/**
 * The options of the mount that `path` is on, as the process sees it whose mountinfo this is; empty
 * when no line covers it. Symbolic links are not followed.
 */
export function mountOptionsAt(mountinfo: string, path: string): ReadonlySet<string> {
  let best: { readonly point: string; readonly options: string } | null = null;
  for (const line of mountinfo.split('\n')) {
    const [, , , , escaped, options] = line.split(' ');
    if (escaped === undefined || options === undefined) continue;
    const point = unescape(escaped);
    const covers = point === '/' || path === point || path.startsWith(`${point}/`);
    // Of two on the same point, the later one hides the other.
    if (covers && (best === null || point.length >= best.point.length)) best = { point, options };
  }
  return new Set(best === null ? [] : best.options.split(','));
}

/** Space, tab, line feed and backslash stand as octal numbers. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
