import { describe, expect, it } from 'vitest';
import { Authorizer, type Candidate } from '../../../agent/verifier/registry/authorizer.ts';
import type { Challenge } from '../../../agent/verifier/registry/challenge.ts';
import type {
  Credential,
  CredentialEvent,
} from '../../../agent/verifier/registry/credentials/credential.ts';
import type { Transport } from '../../../agent/verifier/registry/http.ts';
import { DEFAULT_LIMITS } from '../../../agent/verifier/registry/limits.ts';
import type { Target } from '../../../agent/verifier/registry/token-request.ts';
import { NEVER } from './fixture.ts';

const REGISTRY = 'registry.example';
const MIRROR = 'https://mirror.example/v2/';

const login = (username: string): Credential => ({
  kind: 'basic',
  ...{ source: 'docker_config', username, password: 'a password' },
});

function targetOf(repository = 'app', root = `https://${REGISTRY}/v2/`): Target {
  const host = {
    ...{ root: new URL(root), canResolve: true, canPull: true, headers: {} },
    ...{ isMirror: new URL(root).host !== REGISTRY, connection: undefined },
  };
  return { registry: REGISTRY, repository, host };
}

/** Nothing here takes a request. */
const transport: Transport = {
  send: () => Promise.reject(new TypeError('expected no request')),
  close: () => Promise.resolve(),
};

function create(limits: { readonly tokens?: number; readonly origins?: number } = {}) {
  const events: CredentialEvent[] = [];
  const authorizer = new Authorizer({
    transport,
    limits: { ...DEFAULT_LIMITS, ...limits },
    nowMs: () => 0,
    credentials: ({ registry }) =>
      Promise.resolve([login(`${registry} first`), login(`${registry} second`)]),
    onCredential: (event) => events.push(event),
  });
  const candidates = (target = targetOf()) => authorizer.candidates(target, NEVER);
  /** Ranks in order of trial. */
  const ranks = async (target = targetOf()) => (await candidates(target)).map(({ rank }) => rank);
  const accept = (target: Target, rank: number) => {
    const candidate: Candidate = { rank, credential: undefined };
    authorizer.accepted(target, candidate);
  };
  return { authorizer, events, candidates, ranks, accept };
}

const namesOf = (candidates: readonly Candidate[]) =>
  candidates.map(({ credential }) =>
    credential?.kind === 'basic' ? credential.username : 'anonymous',
  );

const OF_REGISTRY = [`${REGISTRY} first`, `${REGISTRY} second`];

describe('credentials', () => {
  it('of a registry are tried in order, and anonymous access after them', async () => {
    const { candidates } = create();
    expect(namesOf(await candidates())).toEqual([...OF_REGISTRY, 'anonymous']);
  });

  it.each([
    ['under TLS', MIRROR],
    ['on this machine', 'http://127.0.0.1:5000/v2/'],
  ])('of a registry come after those of its mirror %s', async (_, root) => {
    const { host } = new URL(root);
    const { candidates } = create();
    expect(namesOf(await candidates(targetOf('app', root)))).toEqual([
      ...[`${host} first`, `${host} second`],
      ...OF_REGISTRY,
      'anonymous',
    ]);
  });

  it('of a registry are not given to a mirror in the clear, which is given its own', async () => {
    const { candidates } = create();
    expect(namesOf(await candidates(targetOf('app', 'http://mirror.example/v2/')))).toEqual([
      ...['mirror.example first', 'mirror.example second'],
      'anonymous',
    ]);
  });
});

describe('what a registry took', () => {
  it('is tried first from then on, and nothing is tried twice', async () => {
    const { ranks, accept } = create();
    accept(targetOf(), 1);
    expect(await ranks()).toEqual([1, 0, 2]);
    accept(targetOf(), 2);
    expect(await ranks()).toEqual([2, 0, 1]);
  });

  it('is of one repository at one host', async () => {
    const { ranks, accept } = create();
    accept(targetOf(), 1);
    expect(await ranks(targetOf('other'))).toEqual([0, 1, 2]);
    expect(await ranks(targetOf('app', MIRROR))).toEqual([0, 1, 2, 3, 4]);
  });

  it('is told of when it is another than before', () => {
    const { events, accept } = create();
    accept(targetOf(), 1);
    accept(targetOf(), 1);
    expect(events).toHaveLength(1);
    accept(targetOf(), 0);
    accept(targetOf('other'), 0);
    expect(events.map(({ repository }) => repository)).toEqual(['app', 'app', 'other']);
  });

  it('is forgotten of the repository that changed longest ago when there are too many', async () => {
    const { ranks, accept } = create({ tokens: 2 });
    accept(targetOf('one'), 1);
    accept(targetOf('two'), 1);
    accept(targetOf('one'), 2);
    expect(await ranks(targetOf('two'))).toEqual([1, 0, 2]);
    accept(targetOf('three'), 1);
    expect(await ranks(targetOf('one'))).toEqual([2, 0, 1]);
    expect(await ranks(targetOf('two'))).toEqual([0, 1, 2]);
    expect(await ranks(targetOf('three'))).toEqual([1, 0, 2]);
  });
});

describe('challenges', () => {
  const basic: Challenge = { scheme: 'basic' };
  const at = (host: string) => targetOf('app', `https://${host}/v2/`);

  it('are kept by host, of which the one that asked longest ago is forgotten', () => {
    const { authorizer } = create({ origins: 2 });
    authorizer.setChallenge(at('one'), basic);
    authorizer.setChallenge(at('two'), basic);
    authorizer.setChallenge(at('one'), { scheme: 'bearer', realm: 'r', service: undefined });
    expect(authorizer.challengeOf(at('two'))).toEqual(basic);
    authorizer.setChallenge(at('three'), basic);
    expect(authorizer.challengeOf(at('one'))).toMatchObject({ scheme: 'bearer' });
    expect(authorizer.challengeOf(at('two'))).toBeUndefined();
    expect(authorizer.challengeOf(at('three'))).toEqual(basic);
  });
});
