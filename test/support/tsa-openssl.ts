// A timestamping authority that is openssl's, certificates and all: tokens as others write them.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OpensslTsa {
  /** PEM of its root. */
  readonly rootPem: string;
  /** A TimeStampToken of this moment. The hash is one that `openssl ts` has an option for. */
  readonly stamp: (message: Uint8Array, hash?: 'sha256' | 'sha384' | 'sha512') => Buffer;
  /** Whether `openssl ts -verify` takes a token over a message. */
  readonly verify: (token: Uint8Array, message: Uint8Array, rootPem: string) => boolean;
  /** A TimeStampReq for a message, with nonce. */
  readonly query: (message: Uint8Array) => Buffer;
  /** Whether `openssl ts -verify` takes a TimeStampResp as the answer to the last query. */
  readonly verifyReply: (reply: Uint8Array, rootPem: string) => boolean;
  /** Removes its files. */
  readonly close: () => void;
}

const CONFIG = `
[tsa]
default_tsa = authority
[authority]
serial = serial
default_policy = 1.2.3.4.1
digests = sha256, sha384, sha512
signer_digest = sha256
accuracy = secs:1, millisecs:500, microsecs:100
ordering = yes
tsa_name = yes
ess_cert_id_alg = sha256
`;

/** Creates one with a root and a signer whose keys are what `-newkey` calls them. */
export function createOpensslTsa(newkey: readonly string[]): OpensslTsa {
  const directory = mkdtempSync(join(tmpdir(), 'nodeseal-tsa-'));
  const openssl = (...args: readonly string[]): Buffer =>
    execFileSync('openssl', args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  const create = (name: string, ...args: readonly string[]): Buffer =>
    openssl(
      ...['req', '-x509', '-newkey', ...newkey, '-noenc', '-days', '30'],
      ...['-subj', `/C=DE/O=nodeseal/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.crt`],
      ...args.flatMap((arg) => (arg.includes('=') ? ['-addext', arg] : [arg])),
    );
  writeFileSync(join(directory, 'tsa.conf'), CONFIG);
  create('root', 'basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign');
  create(
    'unit',
    ...['-CA', 'root.crt', '-CAkey', 'root.key', 'basicConstraints=critical,CA:FALSE'],
    ...['keyUsage=critical,digitalSignature', 'extendedKeyUsage=critical,timeStamping'],
  );
  const write = (name: string, content: Uint8Array | string): void => {
    writeFileSync(join(directory, name), content);
  };
  const read = (name: string): Buffer => readFileSync(join(directory, name));
  const query = (message: Uint8Array, hash = 'sha256'): Buffer => {
    write('message', message);
    openssl('ts', '-query', '-data', 'message', `-${hash}`, '-cert', '-out', 'query');
    return read('query');
  };
  const accepts = (rootPem: string, ...args: readonly string[]): boolean => {
    write('trusted.crt', rootPem);
    try {
      openssl('ts', '-verify', '-CAfile', 'trusted.crt', ...args);
      return true;
    } catch {
      return false; // openssl ends with 1 for what it refuses
    }
  };
  return {
    rootPem: read('root.crt').toString('utf8'),
    stamp: (message, hash) => {
      query(message, hash);
      openssl(
        ...['ts', '-reply', '-config', 'tsa.conf', '-queryfile', 'query', '-token_out'],
        ...['-signer', 'unit.crt', '-inkey', 'unit.key', '-out', 'token'],
      );
      return read('token');
    },
    verify: (token, message, rootPem) => {
      write('message', message);
      write('token', token);
      return accepts(rootPem, '-data', 'message', '-in', 'token', '-token_in');
    },
    query,
    verifyReply: (reply, rootPem) => {
      write('reply', reply);
      return accepts(rootPem, '-queryfile', 'query', '-in', 'reply');
    },
    close: () => {
      rmSync(directory, { recursive: true });
    },
  };
}
