// Builds Journal Export Format: entries as journald would export them for containerd's unit.

const BOOT = 'b'.repeat(32);

/** A cursor of the shape that systemd writes; `n` tells entries apart. */
export function cursorOf(n: number): string {
  const hex = n.toString(16);
  return `s=${'a'.repeat(32)};i=${hex};b=${BOOT};m=${hex};t=${realtimeUs(n).toString(16)};x=${hex}`;
}

export function realtimeUs(n: number): number {
  return 1_766_000_000_000_000 + n * 1000;
}

/** The fields of an entry that containerd itself wrote. */
export function containerdFields(n: number, message: string): Record<string, string> {
  return {
    __CURSOR: cursorOf(n),
    __REALTIME_TIMESTAMP: String(realtimeUs(n)),
    __MONOTONIC_TIMESTAMP: String(n * 1000),
    _BOOT_ID: BOOT,
    _TRANSPORT: 'stdout',
    SYSLOG_IDENTIFIER: 'containerd',
    _UID: '0',
    _PID: '4242',
    _EXE: '/usr/bin/containerd',
    _SYSTEMD_UNIT: 'containerd.service',
    MESSAGE: message,
  };
}

/** One entry; values with a line end in the binary form, as journalctl chooses it. */
export function exportEntry(fields: Readonly<Record<string, string | Buffer>>): Buffer {
  const parts: Buffer[] = [];
  for (const [name, value] of Object.entries(fields)) parts.push(exportField(name, value));
  return Buffer.concat([...parts, Buffer.from('\n')]);
}

function exportField(name: string, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  if (!bytes.includes(0x0a))
    return Buffer.concat([Buffer.from(`${name}=`), bytes, Buffer.from('\n')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(bytes.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
}
