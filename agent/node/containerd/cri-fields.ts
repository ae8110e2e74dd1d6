// The messages and calls of CRI that nodeseal uses: field numbers of its public .proto file.
import { call, listOf, message, type Nested, of, text, textMap, texts } from './fields.ts';

/** Package `runtime.v1`. */
export const CRI: Nested = {
  ImageSpec: message({ image: text(1), userSpecifiedImage: text(18) }),
  ImageFilter: message({ image: of('ImageSpec', 1) }),
  Image: message({
    id: text(1),
    repoTags: texts(2),
    repoDigests: texts(3),
    size: of('uint64', 4),
    pinned: of('bool', 8),
  }),
  PullImageRequest: message({ image: of('ImageSpec', 1) }),
  PullImageResponse: message({ imageRef: text(1) }),
  ListImagesRequest: message({ filter: of('ImageFilter', 1) }),
  ListImagesResponse: message({ images: listOf('Image', 1) }),
  RemoveImageRequest: message({ image: of('ImageSpec', 1) }),
  RemoveImageResponse: message({}),
  ContainerMetadata: message({ name: text(1) }),
  Container: message({
    id: text(1),
    metadata: of('ContainerMetadata', 3),
    image: of('ImageSpec', 4),
    imageRef: text(5),
    // An enum, which is a number on the wire.
    state: of('int32', 6),
    createdAt: of('int64', 7),
    labels: textMap(8),
  }),
  ListContainersRequest: message({}),
  ListContainersResponse: message({ containers: listOf('Container', 1) }),
  VersionRequest: message({ version: text(1) }),
  VersionResponse: message({
    version: text(1),
    runtimeName: text(2),
    runtimeVersion: text(3),
    runtimeApiVersion: text(4),
  }),
  ImageService: {
    methods: {
      PullImage: call('PullImageRequest', 'PullImageResponse'),
      ListImages: call('ListImagesRequest', 'ListImagesResponse'),
      RemoveImage: call('RemoveImageRequest', 'RemoveImageResponse'),
    },
  },
  RuntimeService: {
    methods: {
      Version: call('VersionRequest', 'VersionResponse'),
      ListContainers: call('ListContainersRequest', 'ListContainersResponse'),
    },
  },
};
