// containerd's messages and services by an implementation of Protocol Buffers that is not ours.
import { fromJSON } from '@grpc/proto-loader';
import { PACKAGES } from '../../agent/node/containerd/descriptors.ts';

/** As a server of @grpc/grpc-js wants them. */
export const PACKAGE = fromJSON(
  { nested: PACKAGES },
  { keepCase: true, longs: String, defaults: true, arrays: true, objects: true },
);
