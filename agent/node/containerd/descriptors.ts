// The gRPC calls that nodeseal makes of containerd and of CRI: field numbers of their public .proto
// files, only the fields that are read or written.
import { CRI } from './cri-fields.ts';
import {
  type Call,
  call,
  listOf,
  message,
  type Nested,
  of,
  text,
  textMap,
  texts,
} from './fields.ts';
import type {
  CriContainerMessage,
  CriImageMessage,
  EnvelopeMessage,
  ImageMessage,
  ImageSpecMessage,
} from './messages.ts';
import { decodeMessage, encodeMessage, messageTypes } from './protobuf.ts';

/** One gRPC method with its encoding. The shape of `Response` is what decoding yields; its values are untrusted. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly encodeRequest: (request: Request) => Buffer;
  readonly decodeResponse: (bytes: Buffer) => Response;
}

const GOOGLE: Nested = {
  Any: message({ typeUrl: text(1), value: of('bytes', 2) }),
  Empty: message({}),
  Timestamp: message({ seconds: of('int64', 1), nanos: of('int32', 2) }),
};

const RPC: Nested = { Status: message({ message: text(2) }) };

const CONTAINERD_TYPES: Nested = {
  Descriptor: message({
    mediaType: text(1),
    digest: text(2),
    size: of('int64', 3),
    annotations: textMap(5),
  }),
  Envelope: message({
    timestamp: of('google.protobuf.Timestamp', 1),
    namespace: text(2),
    topic: text(3),
    event: of('google.protobuf.Any', 4),
  }),
};

const IMAGES: Nested = {
  Image: message({
    name: text(1),
    labels: textMap(2),
    target: of('containerd.types.Descriptor', 3),
    createdAt: of('google.protobuf.Timestamp', 7),
    updatedAt: of('google.protobuf.Timestamp', 8),
  }),
  GetImageRequest: message({ name: text(1) }),
  GetImageResponse: message({ image: of('Image', 1) }),
  ListImagesRequest: message({ filters: texts(1) }),
  ListImagesResponse: message({ images: listOf('Image', 1) }),
  // The payloads of image events live in this package too; all three begin with the name.
  ImageCreate: message({ name: text(1) }),
  ImageUpdate: message({ name: text(1) }),
  ImageDelete: message({ name: text(1) }),
  Images: {
    methods: {
      Get: call('GetImageRequest', 'GetImageResponse'),
      List: call('ListImagesRequest', 'ListImagesResponse'),
    },
  },
};

/** Of the payloads of task events only that of an exit is looked into. */
const TASK_EVENTS: Nested = { TaskExit: message({ containerId: text(1), id: text(2) }) };

const EVENTS: Nested = {
  SubscribeRequest: message({ filters: texts(1) }),
  Events: { methods: { Subscribe: call('SubscribeRequest', 'containerd.types.Envelope', true) } },
};

const VERSION: Nested = {
  VersionResponse: message({ version: text(1), revision: text(2) }),
  Version: { methods: { Version: call('google.protobuf.Empty', 'VersionResponse') } },
};

const INTROSPECTION: Nested = {
  Plugin: message({ type: text(1), id: text(2), initErr: of('google.rpc.Status', 7) }),
  PluginsRequest: message({ filters: texts(1) }),
  PluginsResponse: message({ plugins: listOf('Plugin', 1) }),
  Introspection: { methods: { Plugins: call('PluginsRequest', 'PluginsResponse') } },
};

const service = (nested: Nested) => ({ nested: { v1: { nested } } });

/** Every message and service above; the tests' server is made from it too. */
export const PACKAGES: Nested = {
  google: { nested: { protobuf: { nested: GOOGLE }, rpc: { nested: RPC } } },
  containerd: {
    nested: {
      types: { nested: CONTAINERD_TYPES },
      events: { nested: TASK_EVENTS },
      services: {
        nested: {
          images: service(IMAGES),
          events: service(EVENTS),
          introspection: service(INTROSPECTION),
          version: service(VERSION),
        },
      },
    },
  },
  runtime: { nested: { v1: { nested: CRI } } },
};

const TYPES = messageTypes(PACKAGES);

/** The calls by name. */
export const METHODS = {
  listImages: method<{ filters: readonly string[] }, { images: readonly ImageMessage[] }>(
    'containerd.services.images.v1.Images',
    'List',
  ),
  getImage: method<{ name: string }, { image: ImageMessage | null }>(
    'containerd.services.images.v1.Images',
    'Get',
  ),
  subscribe: method<{ filters: readonly string[] }, EnvelopeMessage>(
    'containerd.services.events.v1.Events',
    'Subscribe',
  ),
  version: method<object, { version: string; revision: string }>(
    'containerd.services.version.v1.Version',
    'Version',
  ),
  plugins: method<
    { filters: readonly string[] },
    { plugins: readonly { type: string; id: string; initErr: { message: string } | null }[] }
  >('containerd.services.introspection.v1.Introspection', 'Plugins'),
  pullImage: method<{ image: ImageSpecMessage }, { imageRef: string }>(
    'runtime.v1.ImageService',
    'PullImage',
  ),
  listCriImages: method<
    { filter?: { image: ImageSpecMessage } },
    { images: readonly CriImageMessage[] }
  >('runtime.v1.ImageService', 'ListImages'),
  removeImage: method<{ image: ImageSpecMessage }, object>(
    'runtime.v1.ImageService',
    'RemoveImage',
  ),
  listContainers: method<object, { containers: readonly CriContainerMessage[] }>(
    'runtime.v1.RuntimeService',
    'ListContainers',
  ),
  criVersion: method<
    { version: string },
    { version: string; runtimeName: string; runtimeVersion: string; runtimeApiVersion: string }
  >('runtime.v1.RuntimeService', 'Version'),
} as const;

/** Decodes the payload of an image event by the type that its Any names. Throws `containerd_failed`. */
export function decodeNamed(
  type: 'ImageCreate' | 'ImageUpdate' | 'ImageDelete',
  bytes: Buffer,
): string {
  const full = `containerd.services.images.v1.${type}`;
  const { name } = decodeMessage(TYPES, full, bytes) as { name: string };
  return name;
}

/** Decodes the payload of the exit of a process. Throws `containerd_failed`. */
export function decodeExit(bytes: Buffer): { readonly containerId: string; readonly id: string } {
  return decodeMessage(TYPES, 'containerd.events.TaskExit', bytes) as {
    containerId: string;
    id: string;
  };
}

function method<Request extends object, Response>(
  serviceName: string,
  name: string,
): Method<Request, Response> {
  const { requestType, responseType } = callOf(PACKAGES, serviceName.split('.'), name);
  const prefix = serviceName.slice(0, serviceName.lastIndexOf('.') + 1);
  const typeNamed = (type: string) => (type.includes('.') ? type : `${prefix}${type}`);
  return {
    path: `/${serviceName}/${name}`,
    encodeRequest: (request) => encodeMessage(TYPES, typeNamed(requestType), request),
    decodeResponse: (bytes) => decodeMessage(TYPES, typeNamed(responseType), bytes) as Response,
  };
}

function callOf(nested: Nested, [first = '', ...rest]: readonly string[], name: string): Call {
  const found = nested[first];
  if (found !== undefined && 'nested' in found) return callOf(found.nested, rest, name);
  const one = found !== undefined && 'methods' in found ? found.methods[name] : undefined;
  if (one === undefined) throw new TypeError(`no method ${name}`);
  return one;
}
