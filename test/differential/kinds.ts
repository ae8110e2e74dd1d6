// Every kind of case. A new one is added to the file of its subject, or to a new file named here.
import type { Kind } from './kind.ts';
import { ALGORITHM_KINDS } from './kinds/algorithms.ts';
import { ATTRIBUTE_KINDS } from './kinds/attributes.ts';
import { BOUND_KINDS } from './kinds/bounds.ts';
import { CERTIFICATE_KINDS } from './kinds/certificates.ts';
import { CHAIN_KINDS } from './kinds/chains.ts';
import { COSE_KINDS } from './kinds/cose.ts';
import { DISCOVERY_KINDS } from './kinds/discovery.ts';
import { IDENTITY_KINDS } from './kinds/identities.ts';
import { JWS_KINDS } from './kinds/jws.ts';
import { PAYLOAD_KINDS } from './kinds/payload.ts';
import { PLUGIN_KINDS } from './kinds/plugins.ts';
import { POLICY_KINDS } from './kinds/policies.ts';
import { RARE_KINDS } from './kinds/rarities.ts';
import { REVOCATION_KINDS } from './kinds/revocation.ts';
import { STORE_KINDS } from './kinds/stores.ts';
import { TIMESTAMP_KINDS } from './kinds/timestamps.ts';

export const KINDS: readonly Kind[] = [
  ...ALGORITHM_KINDS,
  ...ATTRIBUTE_KINDS,
  ...JWS_KINDS,
  ...COSE_KINDS,
  ...PAYLOAD_KINDS,
  ...CERTIFICATE_KINDS,
  ...CHAIN_KINDS,
  ...STORE_KINDS,
  ...IDENTITY_KINDS,
  ...POLICY_KINDS,
  ...DISCOVERY_KINDS,
  ...BOUND_KINDS,
  ...REVOCATION_KINDS,
  ...TIMESTAMP_KINDS,
  ...PLUGIN_KINDS,
  ...RARE_KINDS,
];
