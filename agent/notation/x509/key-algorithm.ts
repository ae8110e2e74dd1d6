// Which signature algorithm a signing key makes: signature-specification.md, "Algorithm Selection".
import { AgentError } from '../../errors.ts';
import type { SignatureAlgorithm } from '../encoding/crypto.ts';
import type { Certificate } from './certificate.ts';
import type { Curve } from './public-key.ts';

/** Exactly these sizes, as in the table of the specification and in notation-go. */
const RSA_ALGORITHMS: ReadonlyMap<number, SignatureAlgorithm> = new Map([
  [2048, 'PS256'],
  [3072, 'PS384'],
  [4096, 'PS512'],
]);

const EC_ALGORITHMS: Readonly<Record<Curve, SignatureAlgorithm>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
};

/**
 * The one algorithm that the key of a signing certificate may be used with, whatever the envelope
 * says. Throws `certificate_key_unsupported` for any other kind or size of key.
 */
export function keyAlgorithm(certificate: Certificate, what: string): SignatureAlgorithm {
  const key = certificate.publicKey;
  switch (key.type) {
    case 'ec':
      return EC_ALGORITHMS[key.curve];
    case 'rsa': {
      const algorithm = RSA_ALGORITHMS.get(key.modulusBits);
      if (algorithm !== undefined) return algorithm;
      throw unsupported(what, `RSA with ${key.modulusBits} bits`);
    }
    case 'unsupported':
      throw unsupported(what, key.found);
  }
}

function unsupported(what: string, found: string): AgentError {
  return new AgentError(
    'certificate_key_unsupported',
    `${what}: expected a key of RSA 2048, 3072 or 4096 bits, P-256, P-384 or P-521, found ${found}`,
  );
}
