import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Account } from '../account/Account.js';
import type { FaultPlan, RestFault } from '../faults/FaultPlan.js';
import type { Credentials } from '../gateway/Credentials.js';
import type { ResolvedOptions } from '../options.js';
import { DiscordApiError } from './DiscordApiError.js';
import { InvalidRequests } from './InvalidRequests.js';
import { type ParsedBody, parseJson, parseMultipart } from './multipart.js';
import { RateLimiter } from './RateLimiter.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiRequest {
  params: Record<string, string>;
  query: Record<string, string>;
  body: unknown;
  /** Files of a multipart body. */
  files: number;
  /** The language that the requester wants. */
  locale: string;
}

/** Default of the status: 200 with a body, 204 without one. */
export type ApiAnswer = { status?: number; body?: unknown };

export interface Route {
  method: Method;
  /** Relative to `/api/v10`, with `:name` parameters. */
  path: string;
  /** `token` is for interaction callbacks and webhooks, which have their own token in the path. Default: 'bot'. */
  auth?: 'bot' | 'token' | 'none';
  handle: (request: ApiRequest) => ApiAnswer | Promise<ApiAnswer>;
}

const PREFIXES = ['/api', '/api/v10', '/api/v9'];
const JSON_TYPE = 'application/json';
const HTML =
  '<!DOCTYPE html>\n<html><head><title>Error</title></head><body><center><h1>%s</h1></center></body></html>\n';
const MAX_BODY_BYTES = 25 * 1024 * 1024;

/**
 * The HTTP side that all routes share: faults, ban, authorization, rate limits, bodies, Discord's error format, and counts.
 * The files beside this one hold the routes.
 *
 * The content type is exactly `application/json`. With a charset after it eris takes the body for text.
 */
export class Api {
  readonly #limiter: RateLimiter;
  readonly #invalid: InvalidRequests;
  /** Patterns of all paths. They tell a 405 from a 404. */
  readonly #paths = new Map<string, RegExp>();

  constructor(
    private readonly options: ResolvedOptions,
    private readonly account: Account,
    private readonly credentials: Credentials,
    private readonly plan: FaultPlan,
  ) {
    this.#limiter = new RateLimiter(options.rateLimits, options.globalRequestsPerSecond);
    this.#invalid = new InvalidRequests(options.invalidRequestLimit);
  }

  register(app: FastifyInstance, routes: readonly Route[]): void {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: MAX_BODY_BYTES }, (_request, body, done) =>
      done(null, body),
    );
    app.setErrorHandler((error, _request, reply) => this.#answerError(reply, error));
    app.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    for (const route of routes) {
      this.#paths.set(route.path, new RegExp(`^${route.path.replaceAll(/:[a-zA-Z]+/g, '[^/]+')}$`));
      for (const prefix of PREFIXES) {
        app.route({
          method: route.method,
          url: prefix + route.path,
          exposeHeadRoute: false,
          handler: (request, reply) => this.#handle(route, request, reply),
        });
      }
    }
  }

  async #handle(route: Route, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const name = `${route.method} ${route.path}`;
    this.account.rest.byRoute[name] = (this.account.rest.byRoute[name] ?? 0) + 1;
    if (this.#isBanned(reply)) return;
    for (const fault of this.plan.takeRest(request.method, request.url)) {
      if (await this.#strike(fault, reply)) return;
    }
    const auth = route.auth ?? 'bot';
    if (auth === 'bot' && !this.credentials.acceptsHeader(request.headers.authorization)) {
      this.account.violation('unauthorizedRequest', `${name} without a valid Authorization header`);
      throw new DiscordApiError(401, 0, '401: Unauthorized');
    }
    const params = request.params as Record<string, string>;
    // "Interaction endpoints are not bound to the bot's Global Rate Limit": rate-limits page, #global-rate-limit.
    const verdict = this.#limiter.check(name, params, auth !== 'token');
    reply.headers(verdict.headers);
    if (verdict.retryAfterMs !== undefined)
      return this.#answer429(reply, verdict.retryAfterMs, verdict.isGlobal === true);
    const { json, files } = parseBody(request);
    const query = request.query as Record<string, string>;
    const answer = await route.handle({ params, query, body: json, files, locale: localeOf(request) });
    this.#answer(reply, answer.status ?? (answer.body === undefined ? 204 : 200), answer.body);
  }

  #isBanned(reply: FastifyReply): boolean {
    const banMs = this.#invalid.bannedForMs;
    if (banMs === 0) return false;
    this.#count(429);
    reply.header('retry-after', String(Math.ceil(banMs / 1000)));
    this.#send(reply, 429, 'text/html', HTML.replace('%s', 'error code: 1015'));
    return true;
  }

  /** @returns whether the fault has answered the request. */
  async #strike(fault: RestFault, reply: FastifyReply): Promise<boolean> {
    if (fault.delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, fault.delayMs).unref());
    if (fault.status === undefined) return false;
    const body = fault.body ?? HTML.replace('%s', `${fault.status} from the local Discord`);
    if (typeof body === 'string') {
      this.#count(fault.status);
      this.#send(reply, fault.status, 'text/html', body);
    } else {
      this.#answer(reply, fault.status, body);
    }
    return true;
  }

  #answer429(reply: FastifyReply, retryAfterMs: number, isGlobal: boolean): void {
    const seconds = Number((retryAfterMs / 1000).toFixed(3));
    this.account.rest.rateLimited++;
    if (isGlobal) this.account.rest.globallyRateLimited++;
    reply.header('retry-after', String(Math.ceil(seconds)));
    this.#answer(reply, 429, { message: 'You are being rate limited.', retry_after: seconds, global: isGlobal });
  }

  #notFound(request: FastifyRequest, reply: FastifyReply): void {
    const [target = ''] = request.url.split('?', 1);
    const path = target.replace(/^\/api(\/v\d+)?/, '');
    const isKnown = [...this.#paths.values()].some((pattern) => pattern.test(path));
    const [status, text] = isKnown ? [405, '405: Method Not Allowed'] : [404, '404: Not Found'];
    this.#answer(reply, status as number, { message: text, code: 0 });
  }

  #answerError(reply: FastifyReply, error: unknown): void {
    if (error instanceof DiscordApiError) {
      this.#answer(reply, error.status, error.toBody());
      return;
    }
    const status = (error as { statusCode?: number }).statusCode;
    if (status !== undefined && status < 500) {
      this.#answer(reply, status, { message: (error as Error).message, code: 0 });
      return;
    }
    // This is a defect of the simulator. Somebody must see it, so it does not look like an answer of Discord.
    this.#answer(reply, 500, { message: `simulator error: ${(error as Error).stack ?? String(error)}`, code: 0 });
  }

  #answer(reply: FastifyReply, status: number, body: unknown): void {
    this.#count(status);
    if (body === undefined) {
      reply.code(status).send();
      return;
    }
    this.#send(reply, status, JSON_TYPE, JSON.stringify(body));
  }

  #send(reply: FastifyReply, status: number, type: string, text: string): void {
    // Fastify's own serializer would append a charset.
    reply.hijack();
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) reply.raw.setHeader(name, value);
    reply.raw.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
    reply.raw.end(text);
  }

  #count(status: number): void {
    const { rest } = this.account;
    rest.requests++;
    rest.byStatus[status] = (rest.byStatus[status] ?? 0) + 1;
    if (status === 401 || status === 403 || status === 429) rest.invalid++;
    if (!this.#invalid.count(status)) return;
    const detail = `more than ${this.options.invalidRequestLimit} answers with 401, 403 or 429 in ten minutes`;
    this.account.violation('invalidRequestBan', detail);
  }
}

/**
 * discord.com/developers/docs/interactions/application-commands#retrieving-localized-commands. A bot has no settings, so the
 * default is Discord's own language.
 */
function localeOf({ headers }: FastifyRequest): string {
  const own = headers['x-discord-locale'];
  return (typeof own === 'string' ? own : headers['accept-language']?.split(/[,;]/, 1)[0]) ?? 'en-US';
}

function parseBody(request: FastifyRequest): ParsedBody {
  const raw = request.body;
  if (!Buffer.isBuffer(raw) || raw.length === 0) return { json: undefined, files: 0 };
  const type = request.headers['content-type'] ?? '';
  if (type.startsWith('multipart/form-data')) return parseMultipart(raw, type);
  return { json: parseJson(raw.toString('utf8')), files: 0 };
}
