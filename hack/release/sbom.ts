// Prints the software bill of materials of an image as CycloneDX JSON: npm's own of the packages, and what else is in it.
// Usage: node hack/release/sbom.ts IMAGE.tar
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { type Archive, debianPackages, readArchive } from '../image/archive.ts';
import { type ShippedPackage, shippedPackages } from './packages.ts';

const ROOT = dirname(dirname(import.meta.dirname));
const NPM_TIMEOUT_MS = 60_000;

/** A part of the image, as CycloneDX 1.5 describes it, as far as we read it. */
export interface Component {
  readonly 'bom-ref': string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
}

/** A bill of materials, as far as we read it. */
export interface BillOfMaterials {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly components: readonly Component[];
}

/**
 * The bill of an image: its npm packages with their licences and hashes, what npm leaves out because it
 * is also there to build and test (such as the Bun that the verifier runs on), and the Debian packages
 * that were added to the base. The base has its own. The same image
 * makes the same bill. Rejects when npm cannot tell.
 */
export async function billOfMaterials(file: string): Promise<BillOfMaterials> {
  const archive = await readArchive(file);
  const bill = await npmBill();
  const known = new Set(bill.components.map(({ purl }) => purl));
  const added = [
    ...shippedPackages()
      .map(npmPart)
      .filter(({ purl }) => !known.has(purl)),
    ...(await debianPackages(file)).map(({ name, version, architecture }) =>
      part(
        'library',
        name,
        version,
        `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
      ),
    ),
  ];
  return {
    ...bill,
    serialNumber: `urn:uuid:${uuidOf(archive.digest)}`,
    metadata: { ...bill.metadata, timestamp: created(archive), component: subject(archive) },
    components: [...bill.components, ...added],
  };
}

async function npmBill(): Promise<BillOfMaterials> {
  const args = ['sbom', '--sbom-format=cyclonedx', '--omit=dev', '--package-lock-only'];
  const { stdout } = await promisify(execFile)('npm', [...args, '--loglevel=error'], {
    cwd: ROOT,
    timeout: NPM_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return JSON.parse(stdout) as BillOfMaterials;
}

function npmPart({ name, version, licence }: ShippedPackage) {
  const url = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { ...part('library', name, version, url), licenses: [{ license: { id: licence } }] };
}

function part(type: string, name: string, version: string, purl: string): Component {
  return { 'bom-ref': purl, type, name, version, purl };
}

function created({ labels }: Archive): string {
  return labels['org.opencontainers.image.created'] ?? '';
}

/** By its own version as npm's, so that npm's dependencies start at it. */
function subject({ digest, labels, architecture }: Archive) {
  const version = labels['org.opencontainers.image.version'] ?? '';
  return {
    ...{ 'bom-ref': `nodeseal@${version}`, type: 'container', name: 'nodeseal', version },
    purl: `pkg:oci/nodeseal@${encodeURIComponent(digest)}?arch=${architecture}&tag=${version}`,
    licenses: [{ license: { id: 'Apache-2.0' } }],
  };
}

/** A UUID that says of what it is made (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const [a, b, c, d, e] = [0, 8, 13, 17, 20].map((start, index) =>
    hex.slice(start, start + ([8, 4, 3, 3, 12][index] ?? 0)),
  );
  return `${a}-${b}-8${c}-8${d}-${e}`;
}

if (import.meta.main) {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('usage: node hack/release/sbom.ts IMAGE.tar');
  process.stdout.write(`${JSON.stringify(await billOfMaterials(file), null, 2)}\n`);
}
