import { isErrorBody, isWait } from '../../../core/discord/rest/mendAnswer.js';

/** How long to wait after a 429 that does not say it, in seconds. */
const DEFAULT_WAIT_S = 1;
const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * An answer with its whole body, in the form that oceanic.js 1.15.0 takes (RequestHandler.js, DiscordRESTError.js):
 * - it compares the type of the content exactly, and takes everything else for a file;
 * - a 429 that does not say for how long is repeated at once, without end; one that says years overflows a timer, and is too;
 * - where the body breaks off, or is JSON but no object of Discord's, the request would never settle.
 */
export async function mendedAnswer(response: Response): Promise<Response> {
  const { status, statusText, url } = response;
  const body = Buffer.from(await response.arrayBuffer());
  const headers = new Headers(response.headers);
  const parsed = status < 300 ? undefined : parse(body);
  if (/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) {
    headers.set('content-type', status >= 300 && !isErrorBody(parsed) ? 'text/plain' : 'application/json');
  }
  for (const name of ['x-ratelimit-reset-after', 'retry-after']) {
    if (headers.has(name) && !isWait(Number(headers.get(name) || Number.NaN))) headers.delete(name);
  }
  if (status === 429) {
    const wait = headers.get('x-ratelimit-reset-after') ?? headers.get('retry-after');
    if (!(Number(wait) > 0)) headers.set('x-ratelimit-reset-after', String(DEFAULT_WAIT_S));
    const sharedWait: unknown = Reflect.get(Object(parsed), 'retry_after');
    const isShared = headers.get('x-ratelimit-scope') === 'shared';
    if (isShared && !(isWait(sharedWait) && sharedWait !== 0)) headers.set('x-ratelimit-scope', 'user');
  }
  const mended = new Response(BODILESS.has(status) ? null : body, { status, statusText, headers });
  // Its errors say it.
  return Object.defineProperty(mended, 'url', { value: url });
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined; // An HTML page or a file, most likely.
  }
}
