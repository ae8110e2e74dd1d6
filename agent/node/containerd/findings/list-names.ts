// Names in a message: quoted, and of many only the first.
import { show } from '../../../oci/show.ts';

/** As many as a reader takes in. */
const MAX_NAMES = 5;

/** Such as `"a", "b" and 7 more`. */
export function listNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map(show).join(', ');
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more` : shown;
}
