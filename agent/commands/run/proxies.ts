// The proxies of a running agent: those that it is told of, else containerd's.
import { proxyVariables, type ProxyVariables } from '../../node/containerd/registry-access.ts';
import {
  parseProxyRules,
  type ProxyOf,
  type ProxyRules,
  selectProxy,
} from '../../verifier/proxies/rules.ts';

/**
 * Goes by this process's own variables if there are any, as an operator sets them for the pod alone;
 * else by what `followed` gives, which may change.
 */
export function createProxyOf(
  environment: Readonly<Record<string, string | undefined>>,
  followed: () => ProxyVariables | null,
): ProxyOf {
  const own = proxyVariables(
    Object.entries(environment).flatMap(([name, value]) => (value ? [`${name}=${value}`] : [])),
  );
  let known: { readonly variables: ProxyVariables; readonly rules: ProxyRules } | undefined;
  return (url) => {
    const variables = Object.keys(own).length > 0 ? own : (followed() ?? {});
    if (known?.variables !== variables) known = { variables, rules: parseProxyRules(variables) };
    return selectProxy(known.rules, url);
  };
}
