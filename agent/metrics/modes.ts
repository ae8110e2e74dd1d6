// The metrics of what is set for this node: its mode, and break-glass.
import type { Registry } from 'prom-client';
import { declarers } from './declarers.ts';
import { MODES } from './labels.ts';
import type { MetricSources } from './sources.ts';

/** Declares them. The result reads break-glass; when that throws, it has no samples and `onError` is told. */
export function declareModes(
  registry: Registry,
  { mode, breakGlass }: Pick<MetricSources, 'mode' | 'breakGlass'>,
  onError: (error: unknown) => void,
): () => void {
  const { gauge } = declarers(registry);
  const modes = gauge('mode', '1 for the mode that is set for this node.', 'mode');
  for (const name of MODES) modes.set({ mode: name }, Number(name === mode));
  const active = gauge('break_glass_active', '1 while break-glass lets every image in.');
  const until = gauge('break_glass_until_timestamp_seconds', 'When break-glass expires.');
  return () => {
    for (const gone of [active, until]) gone.remove();
    try {
      const end = breakGlass();
      active.set(Number(end !== null));
      if (end !== null) until.set(end.getTime() / 1000);
    } catch (error) {
      onError(error);
    }
  };
}
