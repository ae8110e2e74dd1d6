// Every reader of bytes that come from others.
import type { Reader } from './fuzz.ts';
import { BUNDLE_READERS } from './parsers/bundle.ts';
import { CREDENTIAL_READERS } from './parsers/credentials.ts';
import { ENCODING_READERS } from './parsers/encoding.ts';
import { EVIDENCE_READERS } from './parsers/evidence.ts';
import { HOST_READERS } from './parsers/host.ts';
import { NODE_READERS } from './parsers/node.ts';
import { OCI_READERS } from './parsers/oci.ts';
import { POLICY_READERS } from './parsers/policy.ts';
import { PULL_READERS } from './parsers/pull.ts';
import { REGISTRY_READERS } from './parsers/registry.ts';
import { SIGNATURE_READERS } from './parsers/signature.ts';
import { WEBHOOK_READERS } from './parsers/webhook.ts';
import { X509_READERS } from './parsers/x509.ts';

export const PARSERS: readonly Reader[] = [
  ...ENCODING_READERS,
  ...X509_READERS,
  ...SIGNATURE_READERS,
  ...EVIDENCE_READERS,
  ...POLICY_READERS,
  ...OCI_READERS,
  ...REGISTRY_READERS,
  ...BUNDLE_READERS,
  ...CREDENTIAL_READERS,
  ...PULL_READERS,
  ...NODE_READERS,
  ...HOST_READERS,
  ...WEBHOOK_READERS,
];
