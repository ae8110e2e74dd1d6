// helm, kubectl and kustomize, as hack/kubernetes/build brings them.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'vitest';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const BUILD = join(ROOT, 'hack/kubernetes/build');
/** Charts and manifests are rendered in a tenth of a second. */
const TIMEOUT_MS = 20_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export type KubernetesTool = 'helm' | 'kubectl' | 'kustomize';

/** How it ended. */
export interface ToolEnded {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

let directory: string | undefined;

/** Where they are; the first call on a machine brings them, which takes some minutes. */
export function kubernetesTools(): string {
  directory ??= execFileSync(BUILD, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  return directory.trim();
}

/** Runs one to its end, in the root of the checkout. */
export function runTool(tool: KubernetesTool, args: readonly string[], stdin = ''): ToolEnded {
  const { status, stdout, stderr, error } = spawnSync(join(kubernetesTools(), tool), args, {
    cwd: ROOT,
    encoding: 'utf8',
    input: stdin,
    timeout: TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT_BYTES,
    // Nothing of this machine's Helm or clusters.
    env: { PATH: process.env['PATH'], HOME: '/nonexistent', KUBECONFIG: '/dev/null' },
  });
  if (error !== undefined) throw error;
  return { code: status ?? 1, stdout, stderr };
}

/** The same; throws unless it ends with 0. */
export function outputOf(tool: KubernetesTool, args: readonly string[], stdin = ''): string {
  const { code, stdout, stderr } = runTool(tool, args, stdin);
  if (code !== 0) throw new Error(`${tool} ${args.join(' ')} ended with ${code}: ${stderr}`);
  return stdout;
}

/**
 * `describe` for tests that take the tools. Where this machine cannot have them, the tests are skipped
 * and say why; under CI=true that is a failure.
 */
export function describeWithTools(name: string, tests: () => void): void {
  try {
    kubernetesTools();
  } catch (error) {
    if (process.env['CI'] === 'true') {
      describe(name, () => {
        it('needs helm, kubectl and kustomize', () => {
          throw error;
        });
      });
      return;
    }
    console.warn(`Skipped "${name}", because the tools cannot be had: ${String(error)}`);
    describe.skip(`${name} (skipped: no helm, kubectl and kustomize)`, tests);
    return;
  }
  describe(name, tests);
}
