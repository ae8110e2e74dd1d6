// The part of Bun that host-credentials.ts uses.
declare module 'bun' {
  /** Throws for what is no YAML. */
  export const YAML: { readonly parse: (text: string) => unknown };
}
