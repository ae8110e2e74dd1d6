// A pull judged by this process, with what the host holds.
import { AgentError } from '../errors.ts';
import type { Verdict } from '../notation/verification/verdict.ts';
import { parseReference, pinned } from '../oci/reference.ts';
import { createHostVerifier } from '../verifier/host-verifier.ts';
import { OWN_FILES } from '../verifier/registry/hosts/host-files.ts';
import type { ProxyOf } from '../verifier/proxies/rules.ts';
import type { ImageToVerify } from '../verifier/verifier.ts';
import { createFetchTransport } from './fetch-transport.ts';
import { lateHostCredentials } from './host-credentials.ts';
import type { Invocation } from './invocation.ts';
import { refuse } from './unjudged.ts';
import type { VerifierSettings } from './verifier-settings.ts';

/**
 * The verdict on a pull. What keeps the host from judging is a deny too: errors of this module must
 * not leave it, because in the executable it has an error class of its own. `notice` is told what is
 * wrong with a source of credentials.
 */
export async function judgeByHost(
  invocation: Invocation,
  settings: VerifierSettings,
  signal: AbortSignal,
  notice: (reason: string) => void,
): Promise<Verdict> {
  const startedMs = performance.now();
  const { policyFile, truststoreDir, pluginDir, crlCacheDir, bundleDir } = settings;
  const { plainHttp, registryCa } = settings;
  const hosts = { files: OWN_FILES, roots: () => settings.registryHosts };
  try {
    const verifier = createHostVerifier({
      ...{ policyFile, truststoreDir, pluginDir, crlCacheDir, bundleDir },
      registry: {
        createTransport: createFetchTransport,
        asksTagAlongside: true,
        ...{ plainHttp, hosts },
        ...(await proxiesOf(process.env)),
        credentials: lateHostCredentials(settings, ({ code, message }) => {
          notice(`credentials: ${code}: ${message}`);
        }),
        ...(registryCa === null ? {} : { ca: registryCa }),
      },
    });
    return await verifier.verify(imageOf(invocation), signal);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return refuse(error, invocation, new Date(), performance.now() - startedMs);
  }
}

/** containerd's own variables, which it hands on. Loaded only where there are any: most nodes have no proxy. */
async function proxiesOf(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<{ readonly proxyOf?: ProxyOf }> {
  if (!Object.keys(environment).some((name) => /^https?_proxy$/i.test(name))) return {};
  const { parseProxyRules, selectProxy } = await import('../verifier/proxies/rules.ts');
  const rules = parseProxyRules(environment);
  return { proxyOf: (url) => selectProxy(rules, url) };
}

function imageOf({ name, digest, descriptor }: Invocation): ImageToVerify {
  if (descriptor === undefined) return { name: pinned(parseReference(name), digest) };
  return { name, descriptor };
}
