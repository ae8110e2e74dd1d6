// The images of a node: each once, and first those that it can least do without.
import { describe, expect, it } from 'vitest';
import {
  type LabelledRecord,
  nodeImages,
  type RunningContainer,
} from '../../agent/audit/node-images.ts';
import { digestOf } from './images.ts';

const PINNED: ReadonlyMap<string, string> = new Map([['io.cri-containerd.pinned', 'pinned']]);

function record(name: string, n: number, labels: ReadonlyMap<string, string> = new Map()) {
  const target = { mediaType: 'application/a', digest: digestOf(n), size: 1 };
  return { name, target, labels } satisfies LabelledRecord;
}

/** The three records that CRI makes of one image. */
function pulled(repository: string, n: number, labels?: ReadonlyMap<string, string>) {
  return [
    record(`${repository}:v1`, n, labels),
    record(`${repository}@${digestOf(n)}`, n, labels),
    record(`sha256:${String(n).repeat(64)}`, n, labels),
  ];
}

function usesOf(records: readonly LabelledRecord[], containers: readonly RunningContainer[]) {
  return nodeImages(records, containers).map(({ repository, use }) => [repository, use]);
}

describe('nodeImages', () => {
  it('takes the three records of one image for one, by repository and digest', () => {
    expect(nodeImages(pulled('a.example/app', 1), [])).toEqual([
      {
        repository: 'a.example/app',
        digest: digestOf(1),
        name: `a.example/app@${digestOf(1)}`,
        names: [`a.example/app:v1`, `a.example/app@${digestOf(1)}`],
        descriptor: { mediaType: 'application/a', digest: digestOf(1), size: 1 },
        use: 'unused',
      },
    ]);
  });

  it('takes the same content in two repositories for two, and what has no repository for itself', () => {
    const records = [
      ...pulled('a.example/app', 1),
      record('b.example/app:v1', 1),
      record('imported', 2),
    ];
    expect(nodeImages(records, []).map(({ name }) => name)).toEqual([
      `a.example/app@${digestOf(1)}`,
      `b.example/app@${digestOf(1)}`,
      'imported',
    ]);
  });

  it('puts pause first, then the agent, then what runs', () => {
    const records = [
      ...pulled('a.example/unused', 1),
      ...pulled('b.example/running', 2),
      ...pulled('c.example/nodeseal', 3),
      ...pulled('d.example/pause', 4, PINNED),
    ];
    const containers = [
      { name: 'app', images: [`sha256:${'2'.repeat(64)}`] },
      { name: 'nodeseal', images: ['c.example/nodeseal:v1'] },
    ];
    expect(usesOf(records, containers)).toEqual([
      ['d.example/pause', 'pause'],
      ['c.example/nodeseal', 'agent'],
      ['b.example/running', 'running'],
      ['a.example/unused', 'unused'],
    ]);
  });

  it('keeps the greater use where there are two', () => {
    const records = pulled('a.example/pause', 1, PINNED);
    const containers = [{ name: 'debug', images: ['a.example/pause:v1'] }];
    expect(usesOf(records, containers)).toEqual([['a.example/pause', 'pause']]);
  });

  it('knows no use of an image that a container names but that is not there', () => {
    const containers = [{ name: 'app', images: ['gone.example/app:v1'] }];
    expect(usesOf(pulled('a.example/app', 1), containers)).toEqual([['a.example/app', 'unused']]);
    expect(nodeImages([], containers)).toEqual([]);
  });
});
