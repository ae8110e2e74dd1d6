// The ledger of this node, opened where the settings say.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Ledger, openLedger } from '../../audit/ledger.ts';
import type { Config } from '../../config.ts';
import { AgentError } from '../../errors.ts';

/** Where it is, for the agent and for those who read beside it. */
export function ledgerPath({ stateDir }: Pick<Config, 'stateDir'>): string {
  return join(stateDir, 'ledger.sqlite');
}

/** Opens it, and makes its folder if need be. Throws `ledger_failed`. */
export function openNodeLedger(config: Pick<Config, 'stateDir'>): Ledger {
  const { stateDir } = config;
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const message = `state directory ${stateDir}: ${String(cause)}`;
    throw new AgentError('ledger_failed', message, { cause });
  }
  return openLedger(ledgerPath(config));
}
