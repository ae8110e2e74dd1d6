// Keeps what is in memory, credentials among it, out of core dumps.
import { writeFileSync } from 'node:fs';

/** core(5), "Controlling which mappings are written to the core dump": none of them. */
const NO_MAPPING = '0';

/**
 * From now on a core dump of this process, and of every process that it starts, tells what it did and
 * nothing of what it held. Returns false where the kernel was built without core dumps, or lets nobody
 * choose. Needs no right.
 */
export function keepMemoryOutOfCoreDumps(filter = '/proc/self/coredump_filter'): boolean {
  try {
    writeFileSync(filter, NO_MAPPING);
    return true;
  } catch {
    // Then there is nothing that could be done about it.
    return false;
  }
}
