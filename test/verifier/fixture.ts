// A verifier over a registry in this process, with policy, trust and time that a test sets.
import { createPooledTransport } from '../../agent/verifier/registry/pooled-transport.ts';
import { onTestFinished } from 'vitest';
import type { TrustStoreName } from '../../agent/notation/trustpolicy/trust-store-name.ts';
import type { RevocationStatus } from '../../agent/notation/revocation/status.ts';
import type { Verdict } from '../../agent/notation/verification/verdict.ts';
import { parseCertificate } from '../../agent/notation/x509/certificate.ts';
import type { Descriptor } from '../../agent/oci/descriptor.ts';
import { parseTrustPolicy } from '../../agent/notation/trustpolicy/document.ts';
import type { EvidenceSources } from '../../agent/verifier/evidence-sources.ts';
import type { RevocationSource } from '../../agent/verifier/evidence/revocation-source.ts';
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryClientOptions,
} from '../../agent/verifier/registry/client.ts';
import { trustHash } from '../../agent/verifier/truststore/trust-store.ts';
import {
  createVerifier,
  type ImageToVerify,
  type Recalled,
  type VerifierParts,
} from '../../agent/verifier/verifier.ts';
import { createCa } from '../support/ca.ts';
import type { TestCertificate } from '../support/certificate.ts';
import {
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from '../support/registry.ts';
import { type EnvelopeOptions, MEDIA_TYPES, signEnvelope } from '../support/sign-envelope.ts';
import { documentOf, statement, type StatementJson } from '../support/trust-policy.ts';

export const REPOSITORY = 'team/app';
export const NOW = new Date('2026-06-01T00:00:00Z');
export const PAST = new Date('2026-05-01T00:00:00Z');
export const ca = createCa();
export const otherCa = createCa({ name: 'Other' });
export const leaf = ca.issue();

/** For verdicts that ask nobody; whatever asks it is at fault. */
export const NO_EVIDENCE: EvidenceSources = {
  revocation: () => Promise.reject(new TypeError('nobody is to be asked about revocation')),
  plugins: () => Promise.reject(new TypeError('no plugin is to be looked for')),
};

/** Evidence that says the same of every certificate but the root. */
export function revocationOf(status: RevocationStatus): EvidenceSources {
  const check: RevocationSource['check'] = (chain) =>
    Promise.resolve(chain.slice(0, -1).map((certificate) => ({ certificate, status })));
  const source = {
    check,
    firstCrlEnd: () => null,
    firstCarriedOcspEnd: () => null,
    close: () => Promise.resolve(),
  };
  return { ...NO_EVIDENCE, revocation: () => Promise.resolve(source) };
}

export interface BenchOptions {
  readonly registry?: TestRegistryOptions;
  readonly client?: Partial<RegistryClientOptions>;
}

/** How one verdict is asked for. */
export interface Asked {
  /** Changes of the statement, which trusts `ca:acme` and any identity strictly. */
  readonly statement?: StatementJson;
  readonly parts?: Partial<VerifierParts>;
  /** Default: the image by its descriptor. */
  readonly image?: ImageToVerify;
  readonly signal?: AbortSignal;
}

/** A registry that holds one image, and a verifier of it; both end with the test. */
export class Bench {
  readonly registry: TestRegistry;
  readonly image: Descriptor;
  /** `registry/repository` of the image. */
  readonly repository: string;
  readonly #client: RegistryClient;

  constructor(registry: TestRegistry, client: Partial<RegistryClientOptions>) {
    this.registry = registry;
    this.repository = `${registry.host}/${REPOSITORY}`;
    this.image = registry.pushImage(REPOSITORY, 'latest');
    this.#client = createRegistryClient({
      createTransport: createPooledTransport,
      userAgent: 'nodeseal-test',
      ...client,
    });
    onTestFinished(async () => {
      await this.#client.close();
      await registry.close();
    });
  }

  /** Attaches a signature: a good one, unless it is changed. */
  sign(changes: Partial<EnvelopeOptions> = {}): Descriptor {
    const options = { format: 'jws', signer: leaf, target: this.image, ...changes } as const;
    const envelope = signEnvelope(options);
    return this.registry.attachSignature(
      REPOSITORY,
      this.image,
      envelope,
      MEDIA_TYPES[options.format],
    );
  }

  /** The verdict on the image. */
  verify(asked: Asked = {}): Promise<Verdict> {
    const [verifier, image, signal] = this.#question(asked);
    return verifier.verify(image, signal);
  }

  /** The verdict by what is remembered. */
  recall(asked: Asked = {}): Promise<Recalled | null> {
    const [verifier, image, signal] = this.#question(asked);
    return verifier.recall(image, signal);
  }

  #question({ statement: changes, parts, image, signal }: Asked) {
    const verifier = createVerifier({
      registry: this.#client,
      policy: policyOf(this.repository, changes),
      trust: trustIn({ 'ca:acme': ca.root }),
      clock: { now: () => NOW },
      evidence: NO_EVIDENCE,
      ...parts,
    });
    const named = image ?? { name: `${this.repository}:latest`, descriptor: this.image };
    return [verifier, named, signal ?? new AbortController().signal] as const;
  }

  /** `decision reason`, which is what most tests are about. */
  async decide(asked: Asked = {}): Promise<string> {
    const { decision, reason, inconclusive } = await this.verify(asked);
    return `${decision} ${reason}${inconclusive ? ', inconclusive' : ''}`;
  }

  /** Answers requests whose path holds `part` with `status`; unless told, all of them. */
  answerWith(status: number, part = '', headers: Readonly<Record<string, string>> = {}): void {
    this.registry.intercept = ({ path }, response) => {
      if (!path.includes(part)) return false;
      response.writeHead(status, headers).end();
      return true;
    };
  }

  /** The client of the registry, with methods replaced. */
  client(changes: Partial<RegistryClient> = {}): RegistryClient {
    return { ...this.#client, ...changes };
  }
}

export async function openBench({ registry, client = {} }: BenchOptions = {}): Promise<Bench> {
  return new Bench(await startTestRegistry(registry), client);
}

export function policyOf(repository: string, changes: StatementJson = {}): VerifierParts['policy'] {
  const members = { registryScopes: [repository], trustedIdentities: ['*'], ...changes };
  const bytes = documentOf([statement(members)]);
  return async () => Promise.resolve(parseTrustPolicy(bytes));
}

/** Trust in certificates by store name; a store that is not there is empty. */
export function trustIn(
  certificates: Readonly<Partial<Record<TrustStoreName, TestCertificate>>>,
): VerifierParts['trust'] {
  return async (names) => {
    const stores = names.map((name) => ({
      name,
      certificates: [certificates[name]]
        .filter((certificate) => certificate !== undefined)
        .map(({ der }) => parseCertificate(der, name)),
    }));
    return Promise.resolve({ stores, hash: trustHash(stores), warnings: [] });
  };
}
