// Prints the licences of everything that is compiled or bundled into nodeseal, for the image to bring.
// Usage: node hack/release/licences.ts
import { shippedPackages } from './packages.ts';

const BAR = '-'.repeat(78);

/** Names, versions, licences and terms of all packages. */
export function licencesText(): string {
  const parts = shippedPackages().map(({ name, version, licence, text }) =>
    [BAR, `${name} ${version} (${licence})`, BAR, '', text || NO_TEXT(licence), ''].join('\n'),
  );
  return `${HEAD}\n${parts.join('\n')}`;
}

const HEAD = `nodeseal is licensed under Apache-2.0 (see LICENSE). It contains what follows, under its own terms.
The Debian packages of the image have theirs in /usr/share/doc.
`;

const NO_TEXT = (licence: string) =>
  `The package brings no text; https://spdx.org/licenses/ has that of ${licence}.`;

if (import.meta.main) process.stdout.write(licencesText());
