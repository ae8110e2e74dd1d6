// The webhook's certificate from files, as cert-manager's Secret is mounted.
import { readFile } from 'node:fs/promises';
import { AgentError } from '../../errors.ts';
import { heldCertificate } from '../../webhook/serving-key.ts';
import type { ServingSource } from './serving-source.ts';

/** Kubelet brings a renewed Secret within a minute or two, and it is good for days yet: no watch is needed. */
const INTERVAL_MS = 10_000;

/** Reads both files at each look. */
export function certificateFiles(certificatePath: string, keyPath: string): ServingSource {
  return {
    intervalMs: INTERVAL_MS,
    look: async () => {
      const [certificate, key] = await Promise.all([certificatePath, keyPath].map(readText));
      return heldCertificate({ certificate: certificate ?? '', key: key ?? '' });
    },
  };
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const fault = `serving certificate: ${String(cause)}`;
    throw new AgentError('serving_certificate_invalid', fault, { cause });
  }
}
