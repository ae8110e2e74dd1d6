// What a decision needs beyond envelope, policy and trust stores: whoever has sockets and processes provides it.
import type { PluginCapability } from '../plugin/capability.ts';
import type { PluginVerifyRequest } from '../plugin/verify-request.ts';
import type { PluginVerifyResult } from '../plugin/verify-result.ts';
import type { CertificateRevocation } from '../revocation/status.ts';
import type { CertificateChain } from '../x509/chain.ts';

/**
 * Asked for one signature, and only once its chain is anchored in a trust store: an untrusted
 * certificate makes a node call nowhere and run nothing.
 */
export interface Evidence {
  /**
   * The revocation of each certificate of an anchored chain but its root. Under the signing
   * authority's scheme with the time that the authority vouches for.
   */
  revocation(
    chain: CertificateChain,
    authenticSigningTime?: Date,
  ): Promise<readonly CertificateRevocation[]>;
  /** The plugin that a signature names. Throws the codes `plugin_*` or `deadline_exceeded`. */
  plugin(name: string, minVersion: string | undefined): Promise<Plugin>;
}

/** A verification plugin that is installed. */
export interface Plugin {
  readonly capabilities: ReadonlySet<PluginCapability>;
  /** Throws the codes `plugin_*`, `attribute_unsupported` or `deadline_exceeded`. */
  verify(request: PluginVerifyRequest): Promise<PluginVerifyResult>;
}
