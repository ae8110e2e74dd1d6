// How evidence is found in a bundle: a manifest for each kind, whose layers say what they are evidence on.
import { MAX_CRL_BYTES } from '../../notation/revocation/certificate-list.ts';
import { MAX_OCSP_RESPONSE_BYTES } from '../../notation/revocation/ocsp-response.ts';
import type { Descriptor } from '../../oci/descriptor.ts';
import type { Manifest } from '../../oci/manifest.ts';
import { OCI_MANIFEST } from '../../oci/media-types.ts';
import type { LayoutIndex } from './layout-index.ts';

export interface EvidenceKind {
  /** Of the manifest. */
  readonly artifactType: string;
  /** Of its layers. */
  readonly mediaType: string;
  /** The annotation of a layer that says what it is evidence on. */
  readonly label: string;
  readonly maxBytes: number;
}

/** By the address that they are published at. */
export const CRLS: EvidenceKind = {
  artifactType: 'application/vnd.nodeseal.crls.v1',
  mediaType: 'application/pkix-crl',
  label: 'io.nodeseal.crl.address',
  maxBytes: MAX_CRL_BYTES,
};

/** OCSP responses, by the certificate that they are on: see `certIdLabel`. */
export const OCSP_RESPONSES: EvidenceKind = {
  artifactType: 'application/vnd.nodeseal.ocsp.v1',
  mediaType: 'application/ocsp-response',
  label: 'io.nodeseal.ocsp.cert-id',
  maxBytes: MAX_OCSP_RESPONSE_BYTES,
};

/** The manifest of a kind. */
export function evidenceEntry(
  { entries }: LayoutIndex,
  { artifactType }: EvidenceKind,
): Descriptor | undefined {
  return entries.find(
    (entry) => entry.mediaType === OCI_MANIFEST && entry.artifactType === artifactType,
  );
}

/** What is evidence on `subject`, of the layers of that manifest. */
export function evidenceLayer(
  manifest: Manifest,
  { mediaType, label }: EvidenceKind,
  subject: string,
): Descriptor | undefined {
  const layers = manifest.kind === 'image' ? manifest.layers : [];
  return layers.find(
    (layer) => layer.mediaType === mediaType && layer.annotations?.[label] === subject,
  );
}
