import { ProtocolError } from '../errors.js';

/** An error as it crosses the wire. `by` says who made it: a handler, or the channel at the other end. */
export interface WireError {
  readonly by: 'handler' | 'channel';
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly stack?: string;
}

/**
 * One message on the wire: kind, id, name where it has one, and data where it is not `undefined`. It is an array because an
 * object takes twice as long to parse.
 *
 * A reply carries the request's id and no name, so it never reaches a handler. Two sides that serve the same name cannot answer
 * each other for ever.
 */
export type Envelope =
  | readonly [kind: 'request' | 'event', id: number, name: string, data?: unknown]
  | readonly [kind: 'reply', re: number, data?: unknown]
  | readonly [kind: 'error', re: number, error: WireError]
  | readonly [kind: 'cancel', re: number];

/**
 * @returns a request or an event as it travels: its {@link Envelope} as JSON.
 * @throws TypeError, or what a getter or `toJSON` throws, where the data cannot be written as JSON.
 */
export function messageText(kind: 'request' | 'event', id: number, name: string, data: unknown): string {
  return `["${kind}",${id},${JSON.stringify(name)}${dataElement(data)}`;
}

/** As {@link messageText}, for a reply. */
export function replyText(re: number, data: unknown): string {
  return `["reply",${re}${dataElement(data)}`;
}

export function errorText(re: number, error: WireError): string {
  return JSON.stringify(['error', re, error] satisfies Envelope);
}

export function cancelText(re: number): string {
  return JSON.stringify(['cancel', re] satisfies Envelope);
}

function dataElement(data: unknown): string {
  // Whatever its type says, `stringify` returns undefined for undefined and for functions.
  const json = JSON.stringify(data) as string | undefined;
  return json === undefined ? ']' : `,${json}]`;
}

/** @throws ProtocolError where the text is not an envelope. */
export function parseEnvelope(text: string): Envelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message would quote the text, which may hold a secret.
    throw new ProtocolError(`a message of ${text.length} characters is not JSON`);
  }
  if (!isEnvelope(value)) throw new ProtocolError(`a message of ${text.length} characters is not an envelope`);
  return value;
}

function isEnvelope(value: unknown): value is Envelope {
  if (!Array.isArray(value) || typeof value[1] !== 'number') return false;
  switch (value[0]) {
    case 'request':
    case 'event':
      return typeof value[2] === 'string';
    case 'reply':
    case 'cancel':
      return true;
    case 'error':
      return isWireError(value[2]);
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

/** @returns what was thrown, which may be anything, as it crosses the wire. */
export function toWireError(thrown: unknown, by: WireError['by']): WireError {
  if (!(thrown instanceof Error)) return { by, name: 'Error', message: String(thrown) };
  const code = 'code' in thrown && typeof thrown.code === 'string' ? { code: thrown.code } : {};
  const stack = typeof thrown.stack === 'string' ? { stack: thrown.stack } : {};
  return { by, name: thrown.name, message: thrown.message, ...code, ...stack };
}
