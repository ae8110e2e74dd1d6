// Reads YAML. A file of its own, because it is loaded only on nodes whose kubelet is configured in it.
import { parse } from 'yaml';

/** The value of a document of YAML 1.2, which JSON is, too. Throws for what is none. */
export function parseYaml(text: string): unknown {
  return parse(text);
}
