// What a bundle holds, for a person and as JSON.
import type { AgentError } from '../errors.ts';
import type { CollectedImage } from '../verifier/collect-bundle.ts';
import type { CollectedCrls } from '../verifier/collect-crls.ts';
import { textLines } from './output.ts';

/** What was written. */
export interface Bundled extends CollectedCrls {
  readonly output: string;
  readonly created: Date;
  readonly images: readonly CollectedImage[];
}

/** One line for each image and CRL, and for what is missing. */
export function describeBundle({ output, images, crls, faults }: Bundled): string {
  const missing = 'no signature';
  return textLines([
    ...images.flatMap(({ name, signatures, faults: own }) => [
      `${name}  ${signatures.length === 0 ? missing : counted(signatures.length, 'signature')}`,
      ...own.map(faultLine),
    ]),
    ...crls.map(({ address, nextUpdate }) => `${address}  until ${nextUpdate.toISOString()}`),
    ...faults.map(faultLine),
    `${output}: ${counted(images.length, 'image')}, ${counted(crls.length, 'CRL')}`,
  ]);
}

/** The object to write as JSON. */
export function bundleAsJson({ output, created, images, crls, faults }: Bundled): unknown {
  return {
    output,
    created,
    images: images.map(({ name, digest, signatures, faults: own }) => {
      return { name, digest, signatures, faults: own.map(faultAsJson) };
    }),
    crls,
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
