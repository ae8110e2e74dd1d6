// A host in a temporary directory with sources of policy and trust, as the agent's settings name them.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createCa } from './ca.ts';
import { ConfigMapVolume } from './config-map.ts';
import { temporaryDirectory } from './front-door.ts';
import { createHostRoot } from './host-root.ts';
import { documentOf, statement } from './trust-policy.ts';

const ca = createCa();

/** Files are installed for root, as on a node; only root can give them to root. */
export const IS_ROOT = process.getuid?.() === 0;

/** Where they are below the host's root. */
export const POLICY = 'etc/containerd/notation-policy.json';
export const CERTIFICATE = 'etc/containerd/notation/truststore/x509/ca/acme/root.pem';
export const VERIFIER = 'opt/containerd/image-verifier/bin/nodeseal-verifier';

/** A good policy, which its only statement's name tells from others. */
export function policyNamed(name: string): Uint8Array {
  return documentOf([statement({ name, registryScopes: ['*'], trustedIdentities: ['*'] })]);
}

/** Ends with the test. */
export class AgentHost {
  readonly root = createHostRoot();
  readonly policySource = new ConfigMapVolume({ 'policy.json': policyNamed('first') });
  readonly trustSource = new ConfigMapVolume({ 'x509/ca/acme/root.pem': ca.root.pem });
  readonly stateDir = temporaryDirectory();

  /** The path of a file of the host, for this process. */
  at(path: string): string {
    return join(this.root, path);
  }

  /** Settings for this host with both sources. */
  settings(): Record<string, string> {
    const verifier = join(this.stateDir, 'verifier-to-install');
    writeFileSync(verifier, '#!/bin/sh\nexit 0\n');
    return {
      NODESEAL_HOST_ROOT: this.root,
      NODESEAL_VERIFIER: verifier,
      NODESEAL_STATE_DIR: this.stateDir,
      NODESEAL_LISTEN: '127.0.0.1:0',
      NODESEAL_REVERIFY_SPREAD: '1s',
      NODESEAL_POLICY_SOURCE: join(this.policySource.path, 'policy.json'),
      NODESEAL_TRUSTSTORE_SOURCE: this.trustSource.path,
    };
  }
}
