import { ProtocolError } from '../errors.js';

/** An error as it crosses the wire. `by` says whose it is: a handler's own, or the message layer's at the other end. */
export interface WireError {
  readonly by: 'handler' | 'channel';
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/**
 * One message on the wire. A reply carries the request's id in `re` and no name: it can never reach a handler, so two sides
 * that serve the same name cannot answer each other for ever.
 */
export type Envelope =
  | { readonly id: number; readonly kind: 'request'; readonly name: string; readonly data?: unknown }
  | { readonly id: number; readonly kind: 'event'; readonly name: string; readonly data?: unknown }
  | { readonly kind: 'reply'; readonly re: number; readonly data?: unknown }
  | { readonly kind: 'error'; readonly re: number; readonly data: WireError }
  | { readonly kind: 'cancel'; readonly re: number };

/**
 * @returns a request or an event as it travels: what `JSON.stringify` makes of the {@link Envelope}, at half the cost.
 * @throws what `JSON.stringify` throws at data that is not JSON.
 */
export function messageText(kind: 'request' | 'event', id: number, name: string, data: unknown): string {
  return `{"id":${id},"kind":"${kind}","name":${JSON.stringify(name)}${dataMember(data)}`;
}

/** @returns a reply as it travels; otherwise as {@link messageText}. */
export function replyText(re: number, data: unknown): string {
  return `{"kind":"reply","re":${re}${dataMember(data)}`;
}

function dataMember(data: unknown): string {
  // Not what its type says: undefined and functions come to no text, and are left out of an object.
  const json = JSON.stringify(data) as string | undefined;
  return json === undefined ? '}' : `,"data":${json}}`;
}

/** @throws ProtocolError where the text is not an envelope. */
export function parseEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which may hold anything.
    throw new ProtocolError(`a message of ${text.length} characters is not JSON`);
  }
  if (!isEnvelope(value)) throw new ProtocolError(`a message of ${text.length} characters is not an envelope`);
  return value;
}

function isEnvelope(value: unknown): value is Envelope {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  switch (value.kind) {
    case 'request':
    case 'event':
      return 'id' in value && typeof value.id === 'number' && 'name' in value && typeof value.name === 'string';
    case 'reply':
    case 'cancel':
      return 're' in value && typeof value.re === 'number';
    case 'error':
      return 're' in value && typeof value.re === 'number' && 'data' in value && isWireError(value.data);
    default:
      return false;
  }
}

function isWireError(value: unknown): value is WireError {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    typeof value.name === 'string' &&
    'message' in value &&
    typeof value.message === 'string' &&
    (!('code' in value) || typeof value.code === 'string') &&
    (!('stack' in value) || typeof value.stack === 'string')
  );
}

/** @returns what `thrown` looks like on the wire; anything may be thrown, so nothing is taken for granted. */
export function toWireError(thrown: unknown, by: WireError['by']): WireError {
  if (!(thrown instanceof Error)) return { by, name: 'Error', message: String(thrown) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {};
  const stack = typeof thrown.stack === 'string' ? { stack: thrown.stack } : {};
  return { by, name: thrown.name, message: thrown.message, ...code, ...stack };
}
