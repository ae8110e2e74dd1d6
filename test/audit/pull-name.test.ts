// The name that verifiers are given for what kubelet asks for.
import { describe, expect, it } from 'vitest';
import { normalizedName } from '../../agent/audit/pull-name.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;

describe('normalizedName', () => {
  it.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:1', 'docker.io/library/busybox:1'],
    ['team/app', 'docker.io/team/app:latest'],
    ['docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['index.docker.io/busybox', 'docker.io/library/busybox:latest'],
    ['registry.example/app', 'registry.example/app:latest'],
    ['registry.example:5000/team/app:v1', 'registry.example:5000/team/app:v1'],
    ['localhost/app', 'localhost/app:latest'],
    ['Registry/app', 'Registry/app:latest'],
    [`registry.example/app:v1@${DIGEST}`, `registry.example/app@${DIGEST}`],
    [`busybox@${DIGEST}`, `docker.io/library/busybox@${DIGEST}`],
  ])('of %s is %s', (requested, name) => {
    expect(normalizedName(requested)).toBe(name);
  });

  it.each(['', '/', '@', ':', 'x" failed', 'a//b:c:d@e'])('is some text for %j', (requested) => {
    expect(typeof normalizedName(requested)).toBe('string');
  });
});
