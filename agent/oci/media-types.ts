// The media types that manifests, indexes and configurations of interest have.

export const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const OCI_INDEX = 'application/vnd.oci.image.index.v1+json';
export const DOCKER_MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';
export const DOCKER_INDEX = 'application/vnd.docker.distribution.manifest.list.v2+json';

/** Of OCI image specification 1.1.0-rc; withdrawn since, but old signatures are stored in it. */
export const OCI_ARTIFACT_MANIFEST = 'application/vnd.oci.artifact.manifest.v1+json';

/** The two bytes `{}`: the configuration of a manifest that has none. */
export const OCI_EMPTY = 'application/vnd.oci.empty.v1+json';

/** What may carry a signature and what may be referred to by one, as an image is pulled. */
export const MANIFEST_MEDIA_TYPES = [
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_INDEX,
  OCI_ARTIFACT_MANIFEST,
] as const;
export type ManifestMediaType = (typeof MANIFEST_MEDIA_TYPES)[number];

/** Tells whether `parseManifest` knows a media type. */
export function isManifestMediaType(text: string): text is ManifestMediaType {
  return (MANIFEST_MEDIA_TYPES as readonly string[]).includes(text);
}
