// Names of credential helpers, which become part of a path. Pure.

/** Tells whether `docker-credential-{name}` can be nothing but the name of a file. */
export function isHelperName(value: unknown): value is string {
  return typeof value === 'string' && /^[a-z0-9][a-z0-9._-]{0,63}$/i.test(value);
}
