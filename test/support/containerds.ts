// The containerds that a run of the tests uses: the node's own and the newest, or all of them.
import { readFileSync } from 'node:fs';
import { describe } from 'vitest';
import { isSupported } from '../../agent/node/containerd/version.ts';
import { type BootOptions, describeOnNode } from './test-node.ts';

export interface TestedContainerd {
  /** For the name of a test. */
  readonly name: string;
  readonly version: string;
  /** What to boot a node with that has it. */
  readonly boot: Pick<BootOptions, 'containerd'>;
}

/** Of the node's Debian; a test fails when that has moved on. */
const OWN: TestedContainerd = { name: 'containerd 2.1.9 (Debian)', version: '2.1.9', boot: {} };

const LIST = new URL('../../hack/containerd/versions', import.meta.url);

/** `describeOnNode`, once for each containerd; `tests` boots its node with `boot`. */
export function describeOnContainerds(
  name: string,
  tests: (containerd: TestedContainerd) => void,
): void {
  describeOnNode(name, () => {
    describe.each(testedContainerds())('$name', tests);
  });
}

/** The same for those that run image verifiers for CRI. */
export function describeOnVerifyingContainerds(
  name: string,
  tests: (containerd: TestedContainerd) => void,
): void {
  describeOnNode(name, () => {
    const verifying = testedContainerds().filter(({ version }) => isSupported(version));
    describe.each(verifying)('$name', tests);
  });
}

/**
 * The node's own, and of those that are built the newest. `TEST_CONTAINERDS=all` asks for all of them,
 * oldest first, `own` for the node's alone; anything else is a mistake.
 */
export function testedContainerds(): readonly TestedContainerd[] {
  const built = readFileSync(LIST, 'utf8')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .map((version) => ({ name: `containerd ${version}`, version, boot: { containerd: version } }));
  const mode = process.env.TEST_CONTAINERDS ?? '';
  if (mode === 'all') return [OWN, ...built];
  if (mode === 'own') return [OWN];
  if (mode === '') return [OWN, ...built.slice(-1)];
  throw new Error(`TEST_CONTAINERDS: expected all, own or nothing, found ${mode}`);
}
