// Messages of containerd and CRI as they are decoded: only the fields that are read or written. Their values are untrusted.

/** containerd.services.images.v1.Image. 64-bit integers arrive as decimal strings. */
export interface ImageMessage {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: TargetMessage | null;
  readonly createdAt: TimestampMessage | null;
  readonly updatedAt: TimestampMessage | null;
}

/** google.protobuf.Timestamp. */
export interface TimestampMessage {
  readonly seconds: string;
  readonly nanos: number;
}

/** containerd.types.Descriptor. */
export interface TargetMessage {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: string;
  readonly annotations: Readonly<Record<string, string>>;
}

/** containerd.types.Envelope; `event` is a google.protobuf.Any. */
export interface EnvelopeMessage {
  readonly namespace: string;
  readonly topic: string;
  readonly event: { readonly typeUrl: string; readonly value: Buffer } | null;
}

/** runtime.v1.Image. */
export interface CriImageMessage {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly size: string;
  readonly pinned: boolean;
}

/** runtime.v1.Container. An unknown state arrives as its number. */
export interface CriContainerMessage {
  readonly id: string;
  readonly metadata: { readonly name: string } | null;
  readonly image: ImageSpecMessage | null;
  readonly imageRef: string;
  readonly state: number;
  /** Nanoseconds since 1970. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** runtime.v1.ImageSpec. */
export interface ImageSpecMessage {
  readonly image: string;
  /** As the author of a pod wrote it. */
  readonly userSpecifiedImage?: string;
}
