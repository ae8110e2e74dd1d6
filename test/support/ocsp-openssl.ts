// OCSP answers and CRLs as openssl makes them: what other people's software sends, not ours.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { TestCertificate } from './certificate.ts';
import { serialOf } from './ocsp.ts';

export interface OpensslCa {
  /** Enters a certificate as valid, or as revoked for a reason. */
  enter(
    certificate: TestCertificate,
    revoked?: { readonly at: Date; readonly reason?: string },
  ): void;
  /** DER of the answer to a request. Options are those of `openssl ocsp`. */
  answer(request: Uint8Array, signer: TestCertificate, ...options: readonly string[]): Buffer;
  /** DER of the CRL of all that was entered; extensions as in a configuration file. */
  list(extensions?: Readonly<Record<string, string>>): Buffer;
}

/** A CA with openssl's index of certificates, in a folder that ends with the test. */
export function openOpensslCa(ca: TestCertificate): OpensslCa {
  const folder = mkdtempSync(join(tmpdir(), 'nodeseal-openssl-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  writeIdentity(ca, path('ca'));
  writeFileSync(path('index'), '');
  writeFileSync(path('number'), '1000\n');
  return {
    enter(certificate, revoked) {
      const serial = serialOf(certificate).toString(16).toUpperCase();
      const hex = serial.padStart(serial.length + (serial.length % 2), '0');
      const reason = revoked?.reason === undefined ? '' : `,${revoked.reason}`;
      const since = revoked === undefined ? '' : utcTime(revoked.at) + reason;
      const state = revoked === undefined ? 'V' : 'R';
      const line = [state, '440101000000Z', since, hex, 'unknown', `/CN=${hex}`].join('\t');
      writeFileSync(path('index'), `${line}\n`, { flag: 'a' });
    },
    answer(request, signer, ...options) {
      writeIdentity(signer, path('signer'));
      writeFileSync(path('request'), request);
      const files = [
        '-index',
        'index',
        '-CA',
        'ca.pem',
        '-rsigner',
        'signer.pem',
        '-rkey',
        'signer.key',
      ];
      openssl('ocsp', ...files, '-reqin', 'request', '-respout', 'response', ...options);
      return readFileSync(path('response'));
    },
    list(extensions = {}) {
      const lines = Object.entries(extensions).map(([name, value]) => `${name} = ${value}`);
      writeFileSync(path('config'), configuration(lines));
      openssl(
        'ca',
        '-gencrl',
        '-config',
        'config',
        '-keyfile',
        'ca.key',
        '-cert',
        'ca.pem',
        '-out',
        'pem',
      );
      openssl('crl', '-in', 'pem', '-outform', 'DER', '-out', 'der');
      return readFileSync(path('der'));
    },
  };
}

function writeIdentity({ pem, key }: TestCertificate, path: string): void {
  writeFileSync(`${path}.pem`, pem);
  writeFileSync(`${path}.key`, key.privateKey.export({ format: 'pem', type: 'pkcs8' }));
}

function configuration(extensions: readonly string[]): string {
  return `[ca]
default_ca = own
[own]
database = index
crlnumber = number
default_md = sha256
default_crl_days = 1
${extensions.length === 0 ? '' : 'crl_extensions = crl'}
[crl]
${extensions.join('\n')}
`;
}

function utcTime(date: Date): string {
  return date
    .toISOString()
    .replaceAll(/[-:T]|\.\d+/g, '')
    .slice(2);
}
