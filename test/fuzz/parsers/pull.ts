// Between containerd, the pull verifier, the agent and plugins: flags, lines, settings and answers.
import { parseConfig } from '../../../agent/config.ts';
import { describeErrorResponse } from '../../../agent/notation/plugin/error-response.ts';
import { parsePluginMetadata } from '../../../agent/notation/plugin/metadata.ts';
import { parseVerifyResult } from '../../../agent/notation/plugin/verify-result.ts';
import { parseVerdict } from '../../../agent/notation/verification/verdict.ts';
import {
  encodeRequest,
  encodeResponse,
  parseRequest,
  parseResponse,
} from '../../../agent/pull/agent-protocol.ts';
import { encodeAnswer } from '../../../agent/pull/answer.ts';
import { encodeBreakGlass, parseBreakGlass } from '../../../agent/pull/break-glass.ts';
import { parseInvocation } from '../../../agent/pull/invocation.ts';
import {
  defaultVerifierSettings,
  encodeVerifierSettings,
  parseVerifierSettings,
} from '../../../agent/pull/verifier-settings.ts';
import { goodMetadata, PLUGIN_NAME } from '../../support/verification-plugin.ts';
import { verdictOf } from '../../support/verdict.ts';
import type { Reader } from '../fuzz.ts';
import { json, ofText, texts } from '../text.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}` as const;
const MEDIA_TYPE = 'application/vnd.oci.descriptor.v1+json';
const DESCRIPTOR = { mediaType: 'application/a', digest: DIGEST, size: 528 };
const CAPABILITIES = [
  'SIGNATURE_VERIFIER.TRUSTED_IDENTITY',
  'SIGNATURE_VERIFIER.REVOCATION_CHECK',
] as const;
const RESULTS = Object.fromEntries(
  CAPABILITIES.map((capability) => [capability, { success: true, reason: 'fine' }]),
);

/** One of each form. */
const SETTINGS = [
  'NODESEAL_HOST_ROOT=/host',
  'NODESEAL_CONTAINERD_UNIT=k3s.service',
  'NODESEAL_LISTEN=[::1]:9464',
  'NODESEAL_REGISTRY_PLAIN_HTTP=a.b:5000, c',
  'NODESEAL_REVERIFY_INTERVAL=24h',
  'NODESEAL_LOG_LEVEL=debug',
];

export const PULL_READERS: readonly Reader[] = [
  {
    name: 'flags of containerd',
    seeds: () =>
      texts(['-name', 'a.b/c:v1', '-digest', DIGEST, '--stdin-media-type', MEDIA_TYPE].join('\n')),
    read: ofText((text) => parseInvocation(text.split('\n'), Buffer.alloc(0))),
  },
  {
    name: 'break-glass file',
    seeds: () =>
      texts(
        encodeBreakGlass({ until: new Date(1_800_000_000_000), reason: 'INC-1', by: 'a@b.c' }),
        '{"until":"2027-01-15T08:00:00.5+01:00","reason":"r","by":"b","more":[]}',
      ),
    read: parseBreakGlass,
  },
  {
    name: 'descriptor of containerd',
    seeds: () => json(DESCRIPTOR, { ...DESCRIPTOR, annotations: { a: 'b' } }),
    read: (bytes) => {
      const args = ['-name', 'a.b/c:v1', '-digest', DIGEST, '-stdin-media-type', MEDIA_TYPE];
      return parseInvocation(args, bytes);
    },
  },
  {
    name: 'request to the agent',
    seeds: () => texts(encodeRequest({ name: 'a.b/c:v1', descriptor: DESCRIPTOR })),
    read: ofText(parseRequest),
  },
  {
    name: 'response of the agent',
    seeds: () =>
      texts(
        encodeResponse({
          verdict: verdictOf({ decision: 'deny', reason: 'policy_missing' }),
          mode: 'audit',
        }),
        encodeResponse({ verdict: verdictOf({}), mode: 'enforce' }),
        encodeResponse({ error: { code: 'policy_missing', message: 'none' } }),
      ),
    read: ofText(parseResponse),
  },
  {
    name: 'verdict, and the answer that is made of it',
    seeds: () => json(verdictOf({})),
    read: ofText((text) =>
      encodeAnswer(parseVerdict(JSON.parse(jsonOr(text, 'null'))), { mode: 'audit' }),
    ),
  },
  {
    name: 'settings of the pull verifier',
    seeds: () => json(encodeVerifierSettings(defaultVerifierSettings())),
    read: ofText(parseVerifierSettings),
  },
  {
    name: 'settings of the agent',
    seeds: () => texts(SETTINGS.join('\n'), 'PATH=/bin:/sbin\nNODESEAL_SERVICE_HOST=10.0.0.1'),
    read: ofText(readConfig),
  },
  {
    name: 'metadata of a plugin',
    seeds: () => json(goodMetadata()),
    read: (bytes) => parsePluginMetadata(bytes, PLUGIN_NAME, 'plugin'),
  },
  {
    name: 'answer of a plugin',
    seeds: () => json({ verificationResults: RESULTS, processedAttributes: ['a'] }),
    read: (bytes) => parseVerifyResult(bytes, CAPABILITIES, 'plugin'),
  },
  {
    name: 'error of a plugin',
    seeds: () => [
      ...json({ errorCode: 'ACCESS_DENIED', errorMessage: 'no', errorMetadata: { a: 'b' } }),
      ...texts('panic: no', ''),
    ],
    read: describeErrorResponse,
  },
];

function readConfig(text: string): unknown {
  const pairs = text.split('\n').map((line): [string, string] => {
    const equals = line.indexOf('=');
    return [line.slice(0, Math.max(0, equals)), line.slice(equals + 1)];
  });
  return parseConfig(Object.fromEntries(pairs));
}

/** A verdict is decoded by whoever holds the line, so what is no JSON is not its business. */
function jsonOr(text: string, otherwise: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch {
    return otherwise;
  }
}
