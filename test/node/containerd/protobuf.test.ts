import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { METHODS, PACKAGES } from '../../../agent/node/containerd/descriptors.ts';
import {
  decodeMessage,
  encodeMessage,
  messageTypes,
} from '../../../agent/node/containerd/protobuf.ts';
import { AgentError } from '../../../agent/errors.ts';
import { PACKAGE } from '../../support/containerd-package.ts';
import { expectCode } from '../../support/expect-code.ts';
import { protoField as field } from '../../support/proto-field.ts';

const TYPES = messageTypes(PACKAGES);
const LIST = 'containerd.services.images.v1.ListImagesResponse';
const CONTAINERS = 'runtime.v1.ListContainersResponse';
const CRI_IMAGES = 'runtime.v1.ListImagesResponse';

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const text = fc.string({ unit: 'grapheme' });
const labels = fc.dictionary(text, text);
const orNull = <T>(one: fc.Arbitrary<T>) => fc.option(one);
const timestamp = fc.record({ seconds: int64, nanos: int32 });
const descriptor = { mediaType: text, digest: text, size: int64, annotations: labels };
const image = fc.record({
  ...{ name: text, labels, target: orNull(fc.record(descriptor)) },
  ...{ createdAt: orNull(timestamp), updatedAt: orNull(timestamp) },
});
const texts = fc.array(text);
const criImage = {
  id: text,
  repoTags: texts,
  repoDigests: texts,
  size: uint64,
  pinned: fc.boolean(),
};
const spec = fc.record({ image: text, userSpecifiedImage: text });
const container = fc.record({
  ...{ id: text, metadata: orNull(fc.record({ name: text })), image: orNull(spec) },
  ...{ imageRef: text, state: int32, createdAt: int64, labels },
});
const envelope = fc.record({
  ...{ timestamp: orNull(timestamp), namespace: text, topic: text },
  event: orNull(
    fc.record({ typeUrl: text, value: fc.uint8Array().map((bytes) => Buffer.from(bytes)) }),
  ),
});

/** Messages of each type that the agent reads, with a field of each kind. */
const MESSAGES: readonly (readonly [string, fc.Arbitrary<object>])[] = [
  [LIST, fc.record({ images: fc.array(image) })],
  [CONTAINERS, fc.record({ containers: fc.array(container) })],
  [CRI_IMAGES, fc.record({ images: fc.array(fc.record(criImage)) })],
  ['containerd.types.Envelope', envelope],
];

describe('decodeMessage', () => {
  it.each(MESSAGES)('reads a %s as protobufjs writes it', (type, message) => {
    fc.assert(
      fc.property(message, (value) => {
        expect(decodeMessage(TYPES, type, serialized(type, value))).toEqual(value);
      }),
    );
  });

  it.each(MESSAGES)(
    'gives for a %s what protobufjs gives, also when fields are missing',
    (type) => {
      expect(decodeMessage(TYPES, type, Buffer.alloc(0))).toEqual(
        definition(type).deserialize(Buffer.alloc(0)),
      );
    },
  );

  it('returns a message or throws containerd_failed, whatever the bytes', () => {
    const seeds = fc.oneof(...MESSAGES.map(([type, one]) => one.map((m) => serialized(type, m))));
    const cut = fc.tuple(seeds, fc.nat(), fc.nat(255)).map(([bytes, at, value]) => {
      const edited = Buffer.from(bytes);
      if (edited.length > 0) edited[at % edited.length] = value;
      return edited;
    });
    const any = fc.uint8Array().map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(cut, any), fc.constantFrom(LIST, CONTAINERS), (bytes, type) => {
        try {
          decodeMessage(TYPES, type, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
          expect((error as AgentError).code).toBe('containerd_failed');
        }
      }),
    );
  });

  const good = field(1, [field(1, 'app')]);
  const unknown = (wireType: number, ...bytes: number[]) =>
    Buffer.concat([good, Buffer.from([0x78 | wireType, ...bytes])]);

  it.each([
    ['a number', unknown(0, 0x80, 0x01)],
    ['eight bytes', unknown(1, 1, 2, 3, 4, 5, 6, 7, 8)],
    ['a block', unknown(2, 2, 1, 2)],
    ['four bytes', unknown(5, 1, 2, 3, 4)],
  ])('passes over an unknown field of %s', (_, bytes) => {
    expect(decodeMessage(TYPES, LIST, bytes)).toEqual(decodeMessage(TYPES, LIST, good));
  });

  it.each([
    ['that ends within a block', good.subarray(0, -1)],
    ['that ends within a number', unknown(0, 0x80)],
    ['that ends within eight bytes', unknown(1, 1, 2, 3)],
    ['with a group', unknown(3)],
    ['with field number 0', Buffer.concat([good, Buffer.from([0x00, 0x00])])],
    ['with a number of eleven bytes', unknown(0, ...Array<number>(10).fill(0x80), 0)],
    ['with a length of six bytes', unknown(2, ...Array<number>(5).fill(0x80), 0)],
    ['whose list is a number', Buffer.from([0x08, 0x01])],
  ])('refuses a message %s', (_, bytes) => {
    expect(decodeMessage(TYPES, LIST, good)).toMatchObject({ images: [{ name: 'app' }] });
    expectCode(() => decodeMessage(TYPES, LIST, bytes), 'containerd_failed');
  });

  it('takes a label for a label, whatever its name', () => {
    const label = field(2, [field(1, '__proto__'), field(2, 'value')]);
    const { images } = METHODS.listImages.decodeResponse(field(1, [label]));
    expect(Object.entries(images[0]?.labels ?? {})).toEqual([['__proto__', 'value']]);
  });
});

describe('encodeMessage', () => {
  it.each([
    ['runtime.v1.PullImageRequest', fc.record({ image: spec })],
    ['containerd.services.events.v1.SubscribeRequest', fc.record({ filters: texts })],
  ])('writes a %s that protobufjs reads', (type, message) => {
    fc.assert(
      fc.property(message, (value) => {
        expect(definition(type).deserialize(encodeMessage(TYPES, type, value))).toEqual(value);
      }),
    );
  });

  it('refuses what requests do not hold', () => {
    const encode = (size: unknown) => encodeMessage(TYPES, 'runtime.v1.Image', { id: 'a', size });
    expect(encode(undefined)).toEqual(field(1, 'a'));
    expect(() => encode(1)).toThrow(TypeError);
  });
});

function serialized(type: string, message: object): Buffer {
  return definition(type).serialize(message);
}

function definition(type: string) {
  const found = PACKAGE[type];
  if (found === undefined || !('serialize' in found)) throw new TypeError(type);
  return found as unknown as {
    serialize(message: object): Buffer;
    deserialize(bytes: Buffer): object;
  };
}
