// Test keys, made once per process and slot because RSA keys are slow to make.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';

export type KeyType =
  | 'rsa-1024'
  | 'rsa-2048'
  | 'rsa-2560'
  | 'rsa-3072'
  | 'rsa-4096'
  | 'p256'
  | 'p384'
  | 'p521'
  | 'p224'
  | 'ed25519';

export interface TestKey {
  readonly type: KeyType;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

const keys = new Map<string, TestKey>();

/** The key of a type in a named slot: the same slot gives the same key within one process. */
export function testKey(type: KeyType, slot = 'default'): TestKey {
  const name = `${type} ${slot}`;
  const known = keys.get(name);
  if (known !== undefined) return known;
  const key = { type, ...generate(type) };
  keys.set(name, key);
  return key;
}

function generate(type: KeyType): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (type) {
    case 'p256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'p384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' });
    case 'p521':
      return generateKeyPairSync('ec', { namedCurve: 'P-521' });
    case 'p224':
      return generateKeyPairSync('ec', { namedCurve: 'secp224r1' });
    case 'ed25519':
      return generateKeyPairSync('ed25519');
    case 'rsa-1024':
    case 'rsa-2048':
    case 'rsa-2560':
    case 'rsa-3072':
    case 'rsa-4096':
      return generateKeyPairSync('rsa', { modulusLength: Number(type.slice(4)) });
  }
}
