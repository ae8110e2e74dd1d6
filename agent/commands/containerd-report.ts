// What `install` and `uninstall` tell of containerd's configuration.
import type { ConfigureResult } from './configure-containerd.ts';
import type { UnconfigureResult } from './unconfigure-containerd.ts';

/** Lines for a person, of what was done or, with `dryRun`, would be. */
export function configureLines(result: ConfigureResult, dryRun: boolean): readonly string[] {
  switch (result.kind) {
    case 'nothing':
      return ['containerd’s configuration lets verifiers run: nothing to change'];
    case 'obstructed':
      return [
        'containerd’s configuration is left as it is, because changing it would not do, or would take something away:',
        ...result.obstacles.flatMap(({ code, message, remedy }) => [
          `  ${code}: ${message}`,
          `    ${remedy}`,
        ]),
      ];
    case 'resumed':
      return [
        dryRun
          ? `would restart containerd, for which ${result.path} was changed before`
          : `restarted containerd, for which ${result.path} was changed before`,
      ];
    case 'changed':
      return [
        ...diffLines(result.diff),
        `${dryRun ? 'would change' : 'changed'}  ${result.path}, and ${dryRun ? 'restart' : 'restarted'} containerd`,
      ];
  }
}

/** The same of taking it back; nothing where nothing was changed. */
export function unconfigureLines(
  { path, diff, isChangedByOthers, isRestarted, left }: UnconfigureResult,
  dryRun: boolean,
): readonly string[] {
  if (path === null) return [];
  const what = isChangedByOthers
    ? 'changed by others since, so that only our lines are taken out'
    : 'as it was before';
  const then = dryRun
    ? 'would be restarted'
    : isRestarted
      ? 'was restarted'
      : 'was down, and does not serve now either';
  return [
    ...(dryRun ? diffLines(diff) : []),
    `${dryRun ? 'would restore' : 'restored'}  ${path}: ${what}; containerd ${then}`,
    ...left.map((key) => `left     ${path}: ${key}: changed by others`),
  ];
}

function diffLines(diff: string): readonly string[] {
  return diff.replace(/\r?\n$/, '').split(/\r?\n/);
}
