// The part of Bun's foreign function interface that libc.ts uses.
declare module 'bun:ffi' {
  type Type = 'i32' | 'u32' | 'u64' | 'i64' | 'ptr';
  interface Signature {
    readonly args: readonly Type[];
    readonly returns: Type;
  }
  /** A `Uint8Array` stands for a pointer to its first byte, valid during the call, and null for none. Throws when the library or a symbol is missing. */
  export function dlopen<const T extends Readonly<Record<string, Signature>>>(
    name: string,
    symbols: T,
  ): {
    readonly symbols: {
      readonly [K in keyof T]: (
        ...args: readonly (number | bigint | Uint8Array | null)[]
      ) => number | bigint;
    };
  };
  /** Reads memory at an address that a call returned. */
  export const read: { i32(pointer: number | bigint): number };
}
