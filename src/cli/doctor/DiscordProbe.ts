import { z } from 'zod';
import { describeRestFailure } from '../../core/discord/rest/restFailure.js';
import { restOptions } from '../../core/discord/rest/restOptions.js';
import { sessionStartLimitSchema } from '../../core/discord/sessionStartLimit.js';
import type { Secret } from '../../core/log/secrets.js';

const TIMEOUT_MS = 10_000;

const applicationSchema = z.object({
  id: z.string(),
  name: z.string(),
  flags: z.number().int().default(0),
  approximate_guild_count: z.number().int().optional(),
  owner: z.object({ id: z.string(), username: z.string() }).nullish(),
  team: z.object({ name: z.string() }).nullish(),
});

const gatewaySchema = z.object({ shards: z.number().int().min(1), session_start_limit: sessionStartLimitSchema });

export type Application = z.output<typeof applicationSchema>;
export type Gateway = z.output<typeof gatewaySchema>;

/** Discord's answer to one question. `clockOffsetMs` is how far this machine's clock is ahead of Discord's. */
export type Answer<Value> =
  | { readonly value: Value; readonly clockOffsetMs: number | undefined }
  | { readonly refused: true }
  | { readonly failure: string };

/**
 * Asks Discord's REST API the two questions of the doctor. It does not use eris, which hides the headers: the doctor compares the
 * clock with the date of an answer. Two requests need no rate limiter.
 */
export class DiscordProbe {
  readonly #base: string;
  readonly #token: Secret;
  readonly #signal: AbortSignal;

  public constructor(apiUrl: string, token: Secret, signal: AbortSignal) {
    this.#base = new URL(restOptions(apiUrl).baseURL, apiUrl).href;
    this.#token = token;
    this.#signal = signal;
  }

  public getApplication(): Promise<Answer<Application>> {
    return this.#get('/applications/@me', applicationSchema);
  }

  public getGateway(): Promise<Answer<Gateway>> {
    return this.#get('/gateway/bot', gatewaySchema);
  }

  async #get<Value>(path: string, schema: z.ZodType<Value>): Promise<Answer<Value>> {
    const began = Date.now();
    const deadline = new AbortController();
    const end = (): void => deadline.abort();
    const timer = setTimeout(end, TIMEOUT_MS);
    this.#signal.addEventListener('abort', end, { once: true });
    try {
      const response = await fetch(`${this.#base}${path}`, {
        headers: { authorization: `Bot ${this.#token.reveal()}` },
        redirect: 'error',
        signal: deadline.signal,
      });
      const offset = clockOffset(response.headers.get('date'), began, Date.now());
      const text = await response.text();
      if (response.status === 401) return { refused: true };
      if (!response.ok) return { failure: `HTTP ${response.status} ${response.statusText}`.trimEnd() };
      const parsed = schema.safeParse(parseJson(text));
      if (parsed.success) return { value: parsed.data, clockOffsetMs: offset };
      return { failure: 'the answer is not what Discord sends; is DISCORD_API_URL right?' };
    } catch (error) {
      if (this.#signal.aborted) throw error;
      if (deadline.signal.aborted) return { failure: `no answer within ${TIMEOUT_MS / 1000} s` };
      // fetch only says "fetch failed". Its cause says why.
      return {
        failure: describeRestFailure(error instanceof Error && error.cause instanceof Error ? error.cause : error)
          .reason,
      };
    } finally {
      clearTimeout(timer);
      this.#signal.removeEventListener('abort', end);
    }
  }
}

/** A `Date` header has whole seconds, so on average half a second is missing. */
function clockOffset(header: string | null, began: number, ended: number): number | undefined {
  const date = header === null ? Number.NaN : Date.parse(header);
  return Number.isNaN(date) ? undefined : (began + ended) / 2 - (date + 500);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Most likely an HTML page. The schema refuses it.
  }
}
