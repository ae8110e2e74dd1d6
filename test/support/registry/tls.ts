// Server certificates for test registries on 127.0.0.1, each issued by a CA of its own.
import { createCa } from '../ca.ts';
import { der, sequence } from '../der.ts';

export interface ServerCertificate {
  /** PEM of the server's private key and certificate. */
  readonly key: string;
  readonly cert: string;
  /** PEM of the CA that issued it. */
  readonly ca: string;
}

const SUBJECT_ALTERNATIVE_NAME = '2.5.29.17';
const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const IP_ADDRESS_TAG = 0x87;
const DNS_NAME_TAG = 0x82;

/**
 * Mints a certificate for a host, by default 127.0.0.1; two names give two CAs that know nothing of
 * each other.
 */
export function mintServerCertificate(name: string, host?: string): ServerCertificate {
  const ca = createCa({ name, root: { extendedKeyUsage: null } });
  const address =
    host === undefined
      ? der(IP_ADDRESS_TAG, Buffer.from([127, 0, 0, 1]))
      : der(DNS_NAME_TAG, Buffer.from(host));
  const leaf = ca.issue({
    extendedKeyUsage: { oids: [SERVER_AUTH] },
    extensions: [{ oid: SUBJECT_ALTERNATIVE_NAME, critical: false, value: sequence(address) }],
  });
  return {
    key: leaf.key.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: leaf.pem,
    ca: ca.root.pem,
  };
}
