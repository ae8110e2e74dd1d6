// A pull judged by this process, with what the host holds.
import { AgentError } from '../errors.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { parseReference, pinned } from '../oci/reference.ts';
import { createHostVerifier } from '../verifier/host-verifier.ts';
import type { ImageToVerify } from '../verifier/verifier.ts';
import { createFetchTransport } from './fetch-transport.ts';
import type { Invocation } from './invocation.ts';
import { refuse } from './unjudged.ts';
import type { VerifierSettings } from './verifier-settings.ts';

/**
 * The verdict on a pull. What keeps the host from judging is a deny too: errors of this module must
 * not leave it, because in the executable it has an error class of its own.
 */
export async function judgeByHost(
  invocation: Invocation,
  settings: VerifierSettings,
  signal: AbortSignal,
): Promise<Verdict> {
  const startedMs = performance.now();
  const { policyFile, truststoreDir, pluginDir, crlCacheDir, plainHttp, registryCa } = settings;
  try {
    const verifier = createHostVerifier({
      ...{ policyFile, truststoreDir, pluginDir, crlCacheDir },
      registry: {
        createTransport: createFetchTransport,
        asksTagAlongside: true,
        plainHttp,
        ...(registryCa === null ? {} : { ca: registryCa }),
      },
    });
    return await verifier.verify(imageOf(invocation), signal);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return refuse(error, invocation, new Date(), performance.now() - startedMs);
  }
}

function imageOf({ name, digest, descriptor }: Invocation): ImageToVerify {
  if (descriptor === undefined) return { name: pinned(parseReference(name), digest) };
  return { name, descriptor };
}
