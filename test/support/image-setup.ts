// Before the tests of the project `image`: the image is built and unpacked, where nodes can be booted that run it.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { unpackAgentImage } from './agent-container.ts';

const SUPPORTED = fileURLToPath(new URL('../../hack/node/supported', import.meta.url));

export async function setup(): Promise<void> {
  if (spawnSync(SUPPORTED, { stdio: 'ignore' }).status === 0) await unpackAgentImage();
}
