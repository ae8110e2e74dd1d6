// What the webhook reads: reviews, and the Secret that holds its certificates.
import {
  parseAdmissionService,
  parseClusterIp,
} from '../../../agent/node/kubernetes/admission-webhook.ts';
import { parseSecret } from '../../../agent/node/kubernetes/secret.ts';
import { parseAdmissionReview } from '../../../agent/webhook/admission-review.ts';
import { encodeAnswer } from '../../../agent/webhook/answer.ts';
import { parseCertificateEntries } from '../../../agent/webhook/certificate-entries.ts';
import { compared, parseComparison } from '../../../agent/webhook/comparison.ts';
import { deadlineAskedMs } from '../../../agent/webhook/deadline-asked.ts';
import { wholeImageName } from '../../../agent/webhook/image-name.ts';
import { pullIdentityOf } from '../../../agent/webhook/pull-identity.ts';
import { newImageUses, podSpecOf } from '../../../agent/webhook/workload.ts';
import { bytesOf, reviewOf, workload, WORKLOAD_KINDS } from '../../support/admission.ts';
import type { Reader } from '../fuzz.ts';

const IMAGES = ['nginx', 'docker.io/library/app:v1', `a.b:5000/c@sha256:${'ab'.repeat(32)}`];
const SECRET = { namespace: 'nodeseal', name: 'webhook' };

export const WEBHOOK_READERS: readonly Reader[] = [
  {
    name: 'admission reviews',
    seeds: () =>
      WORKLOAD_KINDS.map((kind) => {
        const object = workload(kind, 'app', ...IMAGES);
        const oldObject = workload(kind, 'app', 'old');
        return Buffer.from(bytesOf(reviewOf(kind, object, { operation: 'UPDATE', oldObject })));
      }),
    read: (bytes) => {
      const request = parseAdmissionReview(bytes);
      pullIdentityOf(request.namespace, podSpecOf(request));
      return newImageUses(request).map(({ image }) => wholeImageName(image));
    },
  },
  {
    name: 'what a node is told by the webhook',
    seeds: () => [Buffer.from(encodeAnswer('comparison', compared([])))],
    read: (bytes) => parseComparison(bytes),
  },
  {
    name: 'where the webhook is',
    seeds: () =>
      [
        bytesOf({ kind: 'Service', spec: { clusterIP: '10.96.0.7' } }),
        bytesOf({
          kind: 'ValidatingWebhookConfiguration',
          webhooks: [
            {
              clientConfig: { caBundle: 'UEVN', service: { namespace: 'a', name: 'b', port: 443 } },
            },
          ],
        }),
      ].map((bytes) => Buffer.from(bytes)),
    read: (bytes) => {
      const reply = { status: 200, body: bytes };
      const isService = Buffer.from(bytes).includes('"Service"');
      if (!isService) return parseAdmissionService(reply, 'nodeseal');
      return parseClusterIp(reply, { namespace: 'a', name: 'b', port: 443, ca: '' });
    },
  },
  {
    name: 'queries of the API server',
    seeds: () =>
      ['/validate?timeout=10s', '/mutate?timeout=1.5s&x=1'].map((text) => Buffer.from(text)),
    read: (bytes) => {
      const ms = deadlineAskedMs(Buffer.from(bytes).toString(), 8000);
      if (!(ms >= 1 && ms <= 8000)) throw new TypeError(`deadline of ${ms} ms`);
      return ms;
    },
  },
  {
    name: 'the Secret of certificates',
    seeds: () => {
      const data = { 'tls.crt': 'LS0t', 'tls.key': 'LS0t', 'previous.crt': '' };
      const metadata = { resourceVersion: '1' };
      return [Buffer.from(bytesOf({ kind: 'Secret', metadata, data }))];
    },
    read: (bytes) =>
      parseCertificateEntries(parseSecret({ status: 200, body: bytes }, SECRET).entries),
  },
];
