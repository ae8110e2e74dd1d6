// Text where bytes are asked for: readers and seeds.

/** Reads bytes as the UTF-8 that they are meant to be. */
export function ofText(read: (text: string) => unknown): (bytes: Uint8Array) => unknown {
  return (bytes) => read(Buffer.from(bytes).toString('utf8'));
}

export function texts(...all: readonly string[]): Buffer[] {
  return all.map((text) => Buffer.from(text));
}

export function json(...all: readonly unknown[]): Buffer[] {
  return all.map((value) => Buffer.from(JSON.stringify(value)));
}

export function pem(bytes: Uint8Array): Buffer {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  const text = lines.join('\n');
  return Buffer.from(`-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`);
}
