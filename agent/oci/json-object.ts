// A decoded JSON object, told apart from the arrays and null that share its type.

/** Members are `unknown` until each has been narrowed. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Tells whether a decoded JSON value is an object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
