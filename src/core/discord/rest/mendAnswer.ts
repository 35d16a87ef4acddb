import type { IncomingMessage } from 'node:http';
import { gunzipSync, inflateSync } from 'node:zlib';

/** A limit that lasts longer is taken for nonsense, in seconds. Discord's own last minutes; a timer of weeks would overflow. */
const MAX_WAIT_S = 24 * 60 * 60;
/** How long to wait after a 429 that does not say it, in seconds. */
const DEFAULT_WAIT_S = 1;
const MAX_DEPTH = 16;
/** No error of Discord is longer; more of it is not looked at. */
const MAX_ERROR_BYTES = 1024 * 1024;

/**
 * Sets right what eris 0.18.0 cannot take, before it sees it (RequestHandler.js, DiscordRESTError.js):
 * - the body of an error that is JSON but no object of Discord's, `null` say, throws out of its listener and ends the process;
 *   it is passed on as text;
 * - a 429 that does not say for how long is repeated at once, without end; one whose body is no JSON blocks its route for ever;
 * - a limit that lasts for years overflows Node's timers, which then fire at once.
 *
 * To be called as the first listener of a response.
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
    return ''; // Not what it says that it is; eris reports that.
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // An HTML page, most likely.
  }
}

/** Whether it is built as eris expects, and oceanic.js: they read `code`, `message` and whatever else there is without looking. */
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
