// What a bundle holds, for a person and as JSON.
import type { AgentError } from '../errors.ts';
import type { CollectedImage } from '../verifier/collect-bundle.ts';
import type { CollectedEvidence } from '../verifier/collect-evidence.ts';
import { show } from '../oci/show.ts';
import { textLines } from './output.ts';
import { isoTime } from '../utc.ts';

/** What was written. */
export interface Bundled extends Pick<CollectedEvidence, 'crls' | 'ocsp' | 'faults'> {
  readonly output: string;
  readonly created: Date;
  readonly images: readonly CollectedImage[];
}

/** One line for each image, CRL and OCSP response, and for what is missing. */
export function describeBundle({ output, images, crls, ocsp, faults }: Bundled): string {
  const missing = 'no signature';
  const counts = [
    counted(images.length, 'image'),
    counted(crls.length, 'CRL'),
    counted(ocsp.length, 'OCSP response'),
  ];
  return textLines([
    ...images.flatMap(({ name, signatures, faults: own }) => [
      `${name}  ${signatures.length === 0 ? missing : counted(signatures.length, 'signature')}`,
      ...own.map(faultLine),
    ]),
    ...crls.map(({ address, nextUpdate }) => `${address}  until ${isoTime(nextUpdate)}`),
    ...ocsp.map(
      ({ certificate, status, validUntil }) =>
        `${show(certificate)}  ${status} by OCSP until ${isoTime(validUntil)}`,
    ),
    ...faults.map(faultLine),
    `${output}: ${counts.join(', ')}`,
  ]);
}

/** The object to write as JSON. */
export function bundleAsJson({ output, created, images, crls, ocsp, faults }: Bundled): unknown {
  return {
    output,
    created,
    images: images.map(({ name, digest, signatures, faults: own }) => {
      return { name, digest, signatures, faults: own.map(faultAsJson) };
    }),
    crls,
    ocsp,
    faults: faults.map(faultAsJson),
  };
}

function faultLine({ code, message }: AgentError): string {
  return `  ${code}: ${message}`;
}

function faultAsJson({ code, message }: AgentError) {
  return { code, message };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
