// The part of Bun's foreign function interface that libc.ts uses.
interface NativeSignature {
  readonly args: readonly NativeType[];
  readonly returns: NativeType;
}
type NativeType = 'i32' | 'u32' | 'u64' | 'i64' | 'ptr';
type NativeCall = (...args: readonly (number | null)[]) => number | bigint;

declare const Bun: {
  readonly FFI: {
    /** Returns an error, instead of throwing it, when the library or a symbol is missing. */
    dlopen(
      name: string,
      signatures: Readonly<Record<string, NativeSignature>>,
    ): { readonly symbols: Readonly<Record<string, NativeCall>> } | Error;
    /** The address of the first byte, valid as long as somebody holds the bytes. */
    ptr(bytes: ArrayBufferView): number;
    /** Reads memory at an address that a call returned. */
    readonly read: { i32(address: number): number };
  };
};
