// Two writers of one bundle: wherever one of them stands still, or is killed, there is one whole
// bundle and no way is barred.
import { existsSync, readdirSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { AgentError } from '../../../agent/errors.ts';
import { OCI_INDEX } from '../../../agent/oci/media-types.ts';
import { Bundle } from '../../../agent/verifier/bundle/bundle.ts';
import { LayoutTurn } from '../../../agent/verifier/bundle/layout-turn.ts';
import { LayoutWriter } from '../../../agent/verifier/bundle/layout-writer.ts';
import { SUBJECT } from '../../support/bundle-layout.ts';
import { expectCodeAsync } from '../../support/expect-code.ts';
import { temporaryDirectory } from '../../support/front-door.ts';
import { SIGNATURE_TYPE } from '../../support/registry.ts';

/** Stops who works with files before one of the operations. */
const gate = vi.hoisted(() => ({
  left: Infinity,
  stand: () => Promise.resolve(),
  async pass(): Promise<void> {
    this.left -= 1;
    if (this.left === 0) await this.stand();
  },
}));

vi.mock('node:fs/promises', async (importOriginal) => {
  const real: Record<string, unknown> = await importOriginal();
  const gated = Object.entries(real).map(([name, value]) => {
    if (typeof value !== 'function') return [name, value];
    return [
      name,
      async (...args: unknown[]): Promise<unknown> => {
        await gate.pass();
        return Reflect.apply(value, undefined, args);
      },
    ];
  });
  return Object.fromEntries(gated) as object;
});

const CREATED = new Date('2026-06-01T00:00:00Z');
const NEVER = new AbortController().signal;
/** For who takes its turn at once or not at all. */
const AT_ONCE = AbortSignal.abort();
const REPOSITORY = { registry: 'registry.example', repository: 'team/app' };
const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';

/** Writes a bundle of one signature that says who wrote it. Returns its code where it is refused. */
async function write(directory: string, who: string, signal = NEVER): Promise<string> {
  try {
    const writer = await LayoutWriter.open(directory);
    try {
      const envelope = await writer.add(Buffer.from(who), 'application/jose+json');
      const signature = await writer.addJson({
        ...{ schemaVersion: 2, mediaType: OCI_MANIFEST, artifactType: SIGNATURE_TYPE },
        ...{ config: envelope, layers: [envelope] },
      });
      const manifests = [{ ...signature, artifactType: SIGNATURE_TYPE }];
      const list = await writer.addJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
      const name = { 'org.opencontainers.image.ref.name': SUBJECT.replace(':', '-') };
      await writer.finish([{ ...list, annotations: name }], CREATED, signal);
      return 'written';
    } finally {
      await writer.close();
    }
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
}

/** Whose bundle it is. Fails unless it is there, and whole. */
async function writerOf(directory: string): Promise<string> {
  const reader = new Bundle(directory);
  const [signature] = (await reader.list(SUBJECT, SIGNATURE_TYPE)).descriptors;
  if (signature === undefined) throw new TypeError('no signature');
  const manifest = await reader.content.fetchManifest(REPOSITORY, signature, NEVER);
  const { layers } = JSON.parse(Buffer.from(manifest).toString()) as {
    layers: [typeof signature];
  };
  const envelope = await reader.content.fetchBlob(REPOSITORY, layers[0], 1024, NEVER);
  return Buffer.from(envelope).toString();
}

/** Begins to write as `one`, up to its `at`th operation; undefined where it has fewer. */
async function standStill(directory: string, at: number) {
  const stopped = Promise.withResolvers<'stopped'>();
  const further = Promise.withResolvers<undefined>();
  gate.left = at;
  gate.stand = async () => {
    stopped.resolve('stopped');
    await further.promise;
  };
  const ended = write(directory, 'one');
  if ((await Promise.race([stopped.promise, ended])) !== 'stopped') return undefined;
  return {
    goOn: () => {
      further.resolve(undefined);
      return ended;
    },
  };
}

/** Whoever's turn it is has made its last move then. */
function endMoves(directory: string, at = CREATED): void {
  const turn = join(directory, '.writing');
  if (!existsSync(turn)) return;
  for (const name of readdirSync(turn)) utimesSync(join(turn, name), at, at);
}

/** A folder for each operation that a writer can stand still at. */
async function* standingStill(isNew: boolean) {
  for (let at = 1; ; at += 1) {
    const directory = join(temporaryDirectory(), 'bundle');
    if (!isNew) await write(directory, 'before');
    const one = await standStill(directory, at);
    gate.left = Infinity;
    if (one === undefined) return;
    yield { at, directory, one };
  }
}

describe.each([
  ['a new folder', true],
  ['a bundle', false],
])('of two writers of %s', (_, isNew) => {
  it('the one that cannot have its turn is refused, and the other writes it whole', async () => {
    const outcomes = new Set<string>();
    for await (const { at, directory, one } of standingStill(isNew)) {
      const second = await write(directory, 'two', AT_ONCE);
      const between = second === 'written' ? 'two' : isNew ? undefined : 'before or one';
      if (between !== undefined) expect(between, `at ${at}`).toContain(await writerOf(directory));
      expect(await one.goOn(), `at ${at}`).toBe('written');
      expect(await writerOf(directory), `at ${at}`).toMatch(
        second === 'written' ? /one|two/ : /one/,
      );
      outcomes.add(second);
    }
    expect([...outcomes].sort()).toEqual(['bundle_busy', 'written']);
  });

  it('the one that was killed does not keep the other out', async () => {
    for await (const { at, directory } of standingStill(isNew)) {
      endMoves(directory);
      expect(await write(directory, 'two', AT_ONCE), `at ${at}`).toBe('written');
      expect(await writerOf(directory), `at ${at}`).toBe('two');
      expect(readdirSync(directory)).not.toContain('.writing');
    }
  });

  it('the one that was taken for dead changes nothing any more', async () => {
    const outcomes = new Set<string>();
    for await (const { at, directory, one } of standingStill(isNew)) {
      endMoves(directory);
      expect(await write(directory, 'two', AT_ONCE), `at ${at}`).toBe('written');
      const first = await one.goOn();
      outcomes.add(first);
      // It had not begun its turn, or had ended it, where it was not refused.
      expect(await writerOf(directory), `at ${at}`).toMatch(
        first === 'written' ? /one|two/ : /two/,
      );
      expect(await write(directory, 'three', AT_ONCE), `at ${at}`).toBe('written');
      expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
    }
    expect([...outcomes].sort()).toEqual(['bundle_busy', 'written']);
  });
});

describe('a turn', () => {
  async function prepared(directory: string, text: string): Promise<LayoutTurn> {
    const turn = await LayoutTurn.open(directory);
    await turn.prepare('file', Buffer.from(text));
    return turn;
  }

  it('is waited for', async () => {
    const directory = temporaryDirectory();
    const [one, two] = [await prepared(directory, 'one'), await prepared(directory, 'two')];
    await one.take(NEVER);
    await expectCodeAsync(two.take(AbortSignal.timeout(1)), 'bundle_busy');
    const taken = two.take(NEVER);
    await one.place('file', 'file');
    await one.close();
    await taken;
    await two.place('file', 'file');
    await two.close();
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('two');
    expect(readdirSync(directory)).toEqual(['file']);
  });

  it.each([
    ['nothing for long', CREATED],
    ['something at a time that is to come', new Date('2100-01-01T00:00:00Z')],
  ])('is lost to another by who did %s, for good', async (_, at) => {
    const directory = temporaryDirectory();
    const [one, two] = [await prepared(directory, 'one'), await prepared(directory, 'two')];
    await one.take(NEVER);
    await expectCodeAsync(two.take(AT_ONCE), 'bundle_busy');
    endMoves(directory, at);
    await two.take(AT_ONCE);
    await expectCodeAsync(one.place('file', 'file'), 'bundle_busy');
    await one.close();
    await two.place('file', 'file');
    expect(readFileSync(join(directory, 'file'), 'utf8')).toBe('two');
    await two.close();
    expect(readdirSync(directory)).toEqual(['file']);
  });
});
