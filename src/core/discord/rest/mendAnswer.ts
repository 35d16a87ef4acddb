import type { IncomingMessage } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';

/** A longer rate limit is nonsense, in seconds. Those of Discord last minutes, and a timer of weeks would overflow. */
const MAX_WAIT_S = 24 * 60 * 60;
/** How long a client waits after a 429 that names no time, in seconds. */
const DEFAULT_WAIT_S = 1;
const MAX_DEPTH = 16;
/** No error of Discord is longer. What exceeds it is not parsed. */
const MAX_ERROR_BYTES = 1024 * 1024;

/**
 * Mends answers that eris 0.18.0 cannot take, before eris sees them (RequestHandler.js, DiscordRESTError.js):
 * - The body of an error may be JSON and still not an object as Discord sends it, `null` for example. eris would throw in its
 *   listener, and that ends the process. So eris gets such a body as text.
 * - A 429 may name no time. eris would repeat the request at once, without end. So it gets a time.
 * - The body of a shared 429 may not be JSON. eris would block its route for ever. So it sees an ordinary 429.
 * - A rate limit may last for years. It would overflow Node's timers, which then fire at once. So it is taken out.
 *
 * Call it in the first listener of a response.
 */
export function mendAnswer(response: IncomingMessage): void {
  mendLimits(response);
  if ((response.statusCode ?? 0) < 300) return;
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer | string) => {
    bytes += chunk.length;
    if (bytes <= MAX_ERROR_BYTES) chunks.push(Buffer.from(chunk));
  });
  response.once('end', () => {
    const body = bytes > MAX_ERROR_BYTES ? undefined : parse(decode(response, Buffer.concat(chunks)));
    const { headers } = response;
    if (headers['x-ratelimit-scope'] === 'shared' && !isWait(Reflect.get(Object(body), 'retry_after'))) {
      headers['x-ratelimit-scope'] = 'user';
    }
    if (headers['content-type'] === 'application/json' && !isErrorBody(body)) headers['content-type'] = 'text/plain';
  });
}

function mendLimits({ headers, statusCode }: IncomingMessage): void {
  for (const name of ['x-ratelimit-reset-after', 'retry-after'] as const) {
    if (headers[name] !== undefined && !isWait(Number(headers[name] || Number.NaN))) delete headers[name];
  }
  if (statusCode !== 429) return;
  if (Number(headers['x-ratelimit-reset-after'] ?? headers['retry-after'] ?? 0) > 0) return;
  delete headers['x-ratelimit-reset-after'];
  headers['retry-after'] = String(DEFAULT_WAIT_S);
}

/** Whether this is a limit that a client may wait for, in seconds. */
export function isWait(seconds: unknown): boolean {
  return typeof seconds === 'number' && seconds >= 0 && seconds <= MAX_WAIT_S;
}

function decode({ headers }: IncomingMessage, body: Buffer): string {
  const encoding = headers['content-encoding'] ?? '';
  try {
    if (encoding.includes('gzip')) return gunzipSync(body, { maxOutputLength: MAX_ERROR_BYTES }).toString();
    if (encoding.includes('deflate')) return inflateSync(body, { maxOutputLength: MAX_ERROR_BYTES }).toString();
    return body.toString();
  } catch {
    return ''; // The body is not in the encoding that the header names. eris reports that.
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // It is most likely an HTML page.
  }
}

/** Whether eris and oceanic.js can read it. They read `code`, `message` and all other fields without checking what they are. */
export function isErrorBody(value: unknown, depth = 0): boolean {
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return false;
  return Object.entries(value).every(([name, field]: [string, unknown]) => {
    if (name === 'hasOwnProperty') return false;
    if (name === 'message' || name === 'code') return isPlain(field);
    if (name === '_errors') return Array.isArray(field) && field.every((each) => isErrorBody(each, depth + 1));
    if (Array.isArray(field)) return field.every(isPlain);
    return isPlain(field) || isErrorBody(field, depth + 1);
  });
}

function isPlain(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
