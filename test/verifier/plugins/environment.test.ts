// What of our own environment a plugin is given.
import { describe, expect, it } from 'vitest';
import { pluginEnvironment } from '../../../agent/verifier/plugins/environment.ts';

describe('the environment of a plugin', () => {
  it('holds what a program needs, and none of our secrets', () => {
    const needed = {
      HOME: '/root',
      HTTPS_PROXY: 'http://proxy.example:3128',
      NOTATION_CONFIG: '/etc/notation',
      PATH: '/opt/bin',
      https_proxy: 'http://proxy.example:3128',
    };
    const secrets = {
      AWS_SECRET_ACCESS_KEY: 'x',
      KUBERNETES_SERVICE_HOST: '10.0.0.1',
      LD_PRELOAD: '/tmp/x.so',
      NODESEAL_POLICY: '/x',
      NODE_OPTIONS: '--require /tmp/x.js',
    };
    expect(pluginEnvironment({ ...secrets, ...needed })).toEqual(needed);
  });

  it('has a path to find an interpreter by, also where we have none', () => {
    expect(pluginEnvironment({ HOME: undefined })).toEqual({
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    });
  });
});
