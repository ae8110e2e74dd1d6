// The program of the verification plugin that tests install: run by a process of its own, alone.
import { spawn } from 'node:child_process';
import { appendFileSync, readFileSync, writeSync } from 'node:fs';
import type { PluginBehaviour, PluginCall } from './verification-plugin.ts';

interface Request {
  readonly signature?: { readonly unprocessedAttributes: readonly string[] };
  readonly trustPolicy?: { readonly signatureVerification: readonly string[] };
}

/** Does what it was installed to do with the command that it was started with. */
export function run(behaviour: PluginBehaviour): void {
  const [, , ...given] = process.argv;
  const isMetadata = given[0] === 'get-plugin-metadata';
  const conduct = isMetadata ? behaviour.metadata : behaviour.verify;
  const note = (more: Partial<PluginCall>): void => {
    const call = {
      arguments: given,
      environment: process.env,
      directory: process.cwd(),
      pid: process.pid,
      ...more,
    };
    appendFileSync(behaviour.log, `${JSON.stringify(call)}\n`);
  };
  if (conduct.kind === 'hang') {
    note({});
    hang();
    return;
  }
  const request = JSON.parse(readFileSync(0, 'utf8')) as Request;
  const answer = (members: Readonly<Record<string, unknown>> = {}): void => {
    const response = { ...(isMetadata ? behaviour.good : goodResult(request)), ...members };
    const kept = Object.entries(response).filter(([, value]) => value !== null);
    process.stdout.write(JSON.stringify(Object.fromEntries(kept)));
  };
  if (conduct.kind !== 'leave') note({ request });
  switch (conduct.kind) {
    case 'answer':
      answer(conduct.members);
      break;
    case 'output':
      process.stdout.write(conduct.text);
      break;
    case 'flood':
      for (;;) writeSync(1, '0'.repeat(65536));
    case 'talk':
      writeSync(2, 'word '.repeat(conduct.bytes / 5));
      answer();
      break;
    case 'fail':
      process.stderr.write(conduct.stderr);
      process.exitCode = conduct.exitCode;
      break;
    case 'signal':
      process.kill(process.pid, 'SIGTERM');
      hang();
      break;
    case 'leave':
      note({ request, left: leave(conduct.inGroup) });
      answer();
      break;
  }
}

function goodResult({ signature, trustPolicy }: Request): Readonly<Record<string, unknown>> {
  const finding = { success: true, reason: 'it is fine' };
  const requested = trustPolicy?.signatureVerification ?? [];
  return {
    verificationResults: Object.fromEntries(requested.map((capability) => [capability, finding])),
    processedAttributes: signature?.unprocessedAttributes,
  };
}

function leave(inGroup: boolean): number {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    stdio: 'inherit',
    detached: !inGroup,
  });
  child.unref();
  return child.pid ?? 0;
}

function hang(): void {
  setInterval(() => undefined, 1000);
}
