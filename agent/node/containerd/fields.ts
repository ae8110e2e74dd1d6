// How messages and calls of a .proto file are written down here.
import type { fromJSON } from '@grpc/proto-loader';

/** Messages and services by name, as @grpc/proto-loader takes them. */
export type Nested = NonNullable<Parameters<typeof fromJSON>[0]['nested']>;

interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
  readonly keyType?: 'string';
}

/** A field of type `string`; the others alike. */
export const text = (id: number): Field => ({ type: 'string', id });
export const texts = (id: number): Field => ({ rule: 'repeated', type: 'string', id });
export const textMap = (id: number): Field => ({ keyType: 'string', type: 'string', id });
export const of = (type: string, id: number): Field => ({ type, id });
export const listOf = (type: string, id: number): Field => ({ rule: 'repeated', type, id });
/** A message with these fields. */
export const message = (fields: Readonly<Record<string, Field>>) => ({ fields: { ...fields } });
/** A method of a service. */
export const call = (requestType: string, responseType: string, responseStream = false) => ({
  requestType,
  responseType,
  comment: '',
  ...(responseStream ? { responseStream } : {}),
});
