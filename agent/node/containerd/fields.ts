// How messages and calls of a .proto file are written down here.

/** Messages, services and packages by name. */
export interface Nested {
  [name: string]: MessageType | ServiceType | { nested: Nested };
}

/** The fields of a message by name. */
export interface MessageType {
  fields: Record<string, Field>;
}

/** The methods of a service by name. */
export interface ServiceType {
  methods: Record<string, Call>;
}

/** A type is one of Protocol Buffers' own, a message of the same package, or a message with its package. */
export interface Field {
  readonly type: string;
  readonly id: number;
  readonly rule?: 'repeated';
  readonly keyType?: 'string';
}

/** A method with the types of what it takes and gives; a type of another package has its package. */
export interface Call {
  readonly requestType: string;
  readonly responseType: string;
  readonly responseStream?: boolean;
  /** For tests, whose server wants one. */
  readonly comment: '';
}

/** A field of type `string`; the others alike. */
export const text = (id: number): Field => ({ type: 'string', id });
export const texts = (id: number): Field => ({ rule: 'repeated', type: 'string', id });
export const textMap = (id: number): Field => ({ keyType: 'string', type: 'string', id });
export const of = (type: string, id: number): Field => ({ type, id });
export const listOf = (type: string, id: number): Field => ({ rule: 'repeated', type, id });
/** A message with these fields. */
export const message = (fields: Readonly<Record<string, Field>>): MessageType => ({
  fields: { ...fields },
});
/** A method of a service. */
export const call = (requestType: string, responseType: string, responseStream = false): Call => ({
  requestType,
  responseType,
  comment: '',
  ...(responseStream ? { responseStream } : {}),
});
