import { describe, expect, it } from 'vitest';
import { wholeImageName } from '../../agent/webhook/image-name.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('the whole name of an image', () => {
  // As github.com/distribution/reference makes it, which kubelet and containerd's CRI use.
  it.each([
    ['nginx', 'docker.io/library/nginx:latest'],
    ['nginx:1.27', 'docker.io/library/nginx:1.27'],
    [`nginx@${DIGEST}`, `docker.io/library/nginx@${DIGEST}`],
    [`nginx:1.27@${DIGEST}`, `docker.io/library/nginx:1.27@${DIGEST}`],
    ['team/app', 'docker.io/team/app:latest'],
    ['team/app:v1', 'docker.io/team/app:v1'],
    ['docker.io/nginx', 'docker.io/library/nginx:latest'],
    ['docker.io/team/app', 'docker.io/team/app:latest'],
    ['index.docker.io/nginx:1', 'docker.io/library/nginx:1'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['registry.example/app', 'registry.example/app:latest'],
    ['registry.example:5000/team/app:v1', 'registry.example:5000/team/app:v1'],
    [`registry.example:5000/app@${DIGEST}`, `registry.example:5000/app@${DIGEST}`],
    ['UPPER/app', 'UPPER/app:latest'],
  ])('of %s is %s', (text, name) => {
    expect(wholeImageName(text)).toBe(name);
  });
});
