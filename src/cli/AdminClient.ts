import { EventSourceParserStream } from 'eventsource-parser/stream';
import { z } from 'zod';
import type { AdminApi, AdminEvents } from '../core/contracts/AdminApi.js';
import { AbortError, RemoteError } from '../core/errors.js';
import type { Secret } from '../core/log/secrets.js';
import { CliError, EXIT_CODES } from './exitCodes.js';

export type EndpointName = keyof AdminApi;
export type AdminEvent = {
  [Name in keyof AdminEvents]: { readonly name: Name; readonly data: AdminEvents[Name] };
}[keyof AdminEvents];

export interface AdminRequest<Name extends EndpointName> {
  /** For the `:name` parts of the path. */
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: AdminApi[Name]['query'];
  readonly body?: AdminApi[Name]['body'];
  readonly signal?: AbortSignal;
  /** Default 10 000 ms. */
  readonly timeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 10_000;
/** The master sends its status about once a second. After so long a silence it, or the way to it, is gone. */
const SILENCE_TIMEOUT_MS = 15_000;

const failureSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/**
 * Speaks to the admin API of one master, as typed by {@link AdminApi}.
 *
 * Every error is one line: {@link RemoteError} if the master answered with a failure, {@link CliError} if it gave no usable
 * answer, {@link AbortError} if the signal fired. Answers are not checked field by field, because they come from the same package.
 * No error holds the token.
 */
export class AdminClient {
  readonly #url: string;
  readonly #token: Secret;

  public constructor({ url, token }: { readonly url: string; readonly token: Secret }) {
    this.#url = url;
    this.#token = token;
  }

  public async request<Name extends EndpointName>(
    name: Name,
    { params = {}, query, body, signal, timeoutMs = REQUEST_TIMEOUT_MS }: AdminRequest<Name> = {},
  ): Promise<AdminApi[Name]['reply']> {
    const [method = '', path = ''] = name.split(' ');
    const url = this.#address(fill(path, params), query ?? {});
    const deadline = new Deadline(timeoutMs, signal);
    try {
      const response = await this.#fetch(url, {
        method,
        signal: deadline.signal,
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await readJson(response)) as AdminApi[Name]['reply'];
    } catch (error) {
      throw this.#explain(error, name, deadline, signal);
    } finally {
      deadline.end();
    }
  }

  /** Yields events as they come. Ends when the master ends the stream. Throws if the connection is lost, or silent for 15 s. */
  public async *events(query: { readonly logs?: string }, signal: AbortSignal): AsyncGenerator<AdminEvent> {
    const deadline = new Deadline(SILENCE_TIMEOUT_MS, signal);
    try {
      const response = await this.#fetch(this.#address('/api/events', query), { signal: deadline.signal });
      if (!response.ok || response.body === null) {
        await readJson(response);
        throw unusable(`${this.#url} has no events`);
      }
      const messages = response.body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
      for await (const { event, data } of messages) {
        deadline.restart();
        yield { name: event, data: JSON.parse(data) } as AdminEvent;
      }
    } catch (error) {
      throw this.#explain(error, 'GET /api/events', deadline, signal);
    } finally {
      // Ends the connection, also if the reader has stopped in the middle.
      deadline.end();
    }
  }

  #address(path: string, query: object): string {
    const url = new URL(`${this.#url}${path}`);
    for (const [key, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(key, String(value));
    }
    return url.href;
  }

  #fetch(url: string, init: RequestInit): Promise<Response> {
    const headers: Record<string, string> = { authorization: `Bearer ${this.#token.reveal()}` };
    if (init.body !== undefined) headers['content-type'] = 'application/json';
    // A redirect would carry the request to somebody else.
    return fetch(url, { ...init, headers, redirect: 'error' });
  }

  #explain(error: unknown, name: string, deadline: Deadline, signal: AbortSignal | undefined): Error {
    if (signal?.aborted) return new AbortError(name, signal.reason);
    if (error instanceof RemoteError || error instanceof CliError) return error;
    if (deadline.isOver) {
      return new CliError(
        EXIT_CODES.refused,
        'REQUEST_TIMEOUT',
        `${this.#url} gave no answer in ${deadline.ms / 1000} s`,
      );
    }
    // fetch only says "fetch failed". Its cause says why.
    const cause = error instanceof TypeError && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (CANNOT_CONNECT.has(code)) {
      return new CliError(EXIT_CODES.noMaster, 'MASTER_NOT_RUNNING', `no master answers at ${this.#url} (${code})`);
    }
    const reason = cause instanceof Error ? cause.message : String(cause);
    return new CliError(EXIT_CODES.refused, 'PROTOCOL_VIOLATION', `the connection to ${this.#url} broke: ${reason}`);
  }
}

const CANNOT_CONNECT: ReadonlySet<string> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'],
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** A signal that fires when the caller's does, or `ms` milliseconds after the start or the last restart. */
class Deadline {
  public readonly ms: number;
  public isOver = false;
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #abort = (): void => this.#controller.abort();
  #timer: NodeJS.Timeout | undefined;

  public constructor(ms: number, outer: AbortSignal | undefined) {
    this.ms = ms;
    this.#outer = outer;
    if (outer?.aborted) this.#abort();
    outer?.addEventListener('abort', this.#abort, { once: true });
    this.restart();
  }

  public get signal(): AbortSignal {
    return this.#controller.signal;
  }

  public restart(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#abort();
    }, this.ms);
  }

  /** Leaves no timer, listener or connection behind. */
  public end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#abort);
    this.#abort();
  }
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unusable(`${new URL(response.url).origin} does not answer as a master does (HTTP ${response.status})`, cause);
  }
  if (response.ok) return value;
  const failure = failureSchema.safeParse(value).data?.error;
  if (failure !== undefined) throw new RemoteError({ name: 'AdminFailure', ...failure }, 'the master');
  // `/readyz` answers 503 with its normal body.
  if (response.status === 503) return value;
  throw unusable(`${new URL(response.url).origin} answers HTTP ${response.status}, and not why`);
}

function unusable(message: string, cause?: unknown): CliError {
  return new CliError(EXIT_CODES.refused, 'PROTOCOL_VIOLATION', message, { cause });
}

function fill(path: string, params: Readonly<Record<string, string | number>>): string {
  return path.replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(String(params[key] ?? '')));
}
