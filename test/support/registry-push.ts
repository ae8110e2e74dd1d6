// Puts bytes into a real registry over plain HTTP: OCI distribution specification, "Pushing".
import { createHash } from 'node:crypto';

/** Pushes a blob, or a manifest by its digest or a tag, to `http://HOST/v2/REPOSITORY`; returns its descriptor. */
export async function pushBytes(
  base: string,
  kind: 'blobs' | 'manifests',
  bytes: Uint8Array,
  mediaType: string,
  tag?: string,
): Promise<{ readonly mediaType: string; readonly digest: string; readonly size: number }> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const url =
    kind === 'manifests' ? `${base}/manifests/${tag ?? digest}` : await startUpload(base, digest);
  const headers = { 'content-type': kind === 'manifests' ? mediaType : 'application/octet-stream' };
  const response = await fetch(url, { method: 'PUT', body: Buffer.from(bytes), headers });
  if (!response.ok) throw new Error(`${url}: expected to store it, found ${response.status}`);
  return { mediaType, digest, size: bytes.length };
}

async function startUpload(base: string, digest: string): Promise<string> {
  const response = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`${base}: expected an upload, found ${response.status}`);
  const url = new URL(location, base);
  url.searchParams.set('digest', digest);
  return url.href;
}
