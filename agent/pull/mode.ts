// Whether pulls are bound by their verdicts, or only recorded.

/** `enforce`: a pull that is denied is refused. `audit`: it is judged and recorded, and let in. */
export const PULL_MODES = ['enforce', 'audit'] as const;
export type PullMode = (typeof PULL_MODES)[number];

/** Narrows what was read from a file or a socket. */
export function isPullMode(value: unknown): value is PullMode {
  return PULL_MODES.some((mode) => mode === value);
}

/**
 * What holds where two who may say differ: `audit` only where both say so. An agent that has not
 * written its settings yet, or whose settings others have changed, thus loosens nothing.
 */
export function stricterMode(one: PullMode, other: PullMode): PullMode {
  return one === 'audit' && other === 'audit' ? 'audit' : 'enforce';
}
