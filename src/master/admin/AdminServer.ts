import type { AddressInfo } from 'node:net';
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerOptions,
} from 'fastify';
import { ConfigError, KallistiError } from '../../core/errors.js';
import type { Logger } from '../../core/log/logger.js';
import type { AdminContext } from './AdminContext.js';
import { actionRoutes } from './actionRoutes.js';
import { answerText, failureOf, SECURITY_HEADERS } from './answers.js';
import { RateLimitedError } from './Gate.js';
import { openRoutes } from './openRoutes.js';
import type { PageFiles } from './PageFiles.js';
import { statusRoutes } from './statusRoutes.js';

export interface AdminServerOptions {
  readonly host: string;
  readonly port: number;
  /** Nobody has chosen the port: where it is taken, another will do. */
  readonly portIsDefault: boolean;
  readonly context: AdminContext;
  readonly page: PageFiles;
  readonly logger: Logger;
  /** Called for every request, after its answer. It must not throw. */
  readonly onRequest: (route: string, status: number, durationMs: number) => void;
  /** Overrides single values of {@link ADMIN_LIMITS}. */
  readonly limits?: Partial<AdminLimits> | undefined;
}

/** What one client may cost at most. */
export interface AdminLimits {
  readonly bodyBytes: number;
  /** From the connection, or the last answer on it, to the end of a request's headers. */
  readonly headersMs: number;
  /** From there to the end of its body. */
  readonly requestMs: number;
  /** How often the server looks for connections that are beyond the two above. */
  readonly checkMs: number;
  readonly idleMs: number;
  readonly stillMs: number;
  readonly connections: number;
}

export const ADMIN_LIMITS = {
  bodyBytes: 64 * 1024,
  headersMs: 10_000,
  requestMs: 15_000,
  checkMs: 2_000,
  idleMs: 30_000,
  stillMs: 120_000,
  connections: 512,
} as const satisfies AdminLimits;

/** Fastify calls them for routes with a schema, and none has one. */
const NO_COMPILERS = {
  buildValidator: () => () => () => true,
  buildSerializer: () => () => (value: unknown) => JSON.stringify(value),
} as unknown as NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>;

/**
 * The HTTP side of the admin API. It listens, lets the gate decide who comes in, bounds what a stranger can cost, and turns errors
 * into answers. The routes make all other answers.
 */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #app: FastifyInstance;

  public constructor(options: AdminServerOptions) {
    this.#options = options;
    const limits: AdminLimits = { ...ADMIN_LIMITS, ...options.limits };
    this.#app = fastify({
      bodyLimit: limits.bodyBytes,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.idleMs,
      // For sockets on which nothing moves, such as that of a reader who does not take its answer. Event streams write every second.
      connectionTimeout: limits.stillMs,
      forceCloseConnections: true,
      exposeHeadRoutes: false,
      http: {
        headersTimeout: limits.headersMs,
        connectionsCheckingInterval: limits.checkMs,
        maxHeaderSize: 16 * 1024,
      },
      // We use zod and JSON. Without these two, fastify would load 4 MB of compilers that nothing uses.
      schemaController: { compilersFactory: NO_COMPILERS },
    });
    this.#app.server.maxConnections = limits.connections;
    this.#setUp();
  }

  /** Where it listens, for example `http://127.0.0.1:8600`. */
  public get url(): string {
    const { address, family, port } = this.#app.server.address() as AddressInfo;
    // These two mean every address, and nobody can open them.
    const host = address === '0.0.0.0' ? '127.0.0.1' : address === '::' ? '::1' : address;
    return `http://${family === 'IPv6' ? `[${host}]` : host}:${port}`;
  }

  public get port(): number {
    return (this.#app.server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** @throws ConfigError for an address that cannot be had, or a chosen port that is taken. */
  public async start(): Promise<void> {
    const { host, port, portIsDefault, logger } = this.#options;
    try {
      await this.#app.listen({ host, port });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EADDRINUSE' || !portIsDefault) throw explainListen(error, code, host, port);
      await this.#app.listen({ host, port: 0 });
      logger.info(`ADMIN_PORT ${port} is taken, so another is used`);
    }
  }

  /** Closes every connection, idle or not. Resolves when none is left. */
  public async stop(): Promise<void> {
    await this.#app.close();
  }

  #setUp(): void {
    const { context, page } = this.#options;
    const app = this.#app;
    // A form on another site can send plain text without asking first. It cannot send JSON.
    app.removeContentTypeParser('text/plain');
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers(SECURITY_HEADERS);
    });
    app.addHook('onResponse', async (request, reply) => this.#note(request, reply));
    app.setErrorHandler((error: FastifyError, request, reply) => this.#fail(error, request, reply));
    app.setNotFoundHandler(() => {
      throw new KallistiError('NOT_FOUND', 'there is nothing here');
    });
    // In place of fastify's serializer, so that every answer passes `scrub`.
    app.setReplySerializer((value) => answerText(value));
    openRoutes(app, context, page);
    void app.register(async (api) => {
      // Before the body is read: a stranger's is not worth it.
      api.addHook('onRequest', async (request) => void context.gate.admit(request.raw));
      api.addHook('onSend', async (_request, reply) => void reply.header('cache-control', 'no-store'));
      statusRoutes(api, context);
      actionRoutes(api, context);
    });
  }

  #fail(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const { status, body, isOurs } = failureOf(error);
    const from = request.socket.remoteAddress;
    const route = request.routeOptions.url;
    if (isOurs) this.#options.logger.error({ err: error, route }, 'the admin API failed');
    else if (status === 401 && body.error.message === 'the token is wrong') {
      this.#options.logger.warn({ from, route }, 'admin: a wrong token');
    } else if (body.error.code === 'FORBIDDEN_ORIGIN')
      this.#options.logger.warn({ from, route }, `admin: refused: ${body.error.message}`);
    if (error instanceof RateLimitedError) reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
    return reply.code(status).header('cache-control', 'no-store').type('application/json').send(body);
  }

  #note(request: FastifyRequest, reply: FastifyReply): void {
    this.#options.onRequest(request.routeOptions.url ?? 'none', reply.statusCode, reply.elapsedTime);
  }
}

function explainListen(error: unknown, code: unknown, host: string, port: number): ConfigError {
  const reasons: Readonly<Record<string, string>> = {
    EADDRINUSE: `ADMIN_PORT is ${port}, which another program uses; choose another, or 0 for any that is free`,
    EACCES: `ADMIN_PORT is ${port}, which this user may not use; choose one from 1024 on`,
    EADDRNOTAVAIL: `ADMIN_HOST is ${host}, which is no address of this machine`,
    ENOTFOUND: `ADMIN_HOST is ${host}, a name that leads to no address`,
    EAI_AGAIN: `ADMIN_HOST is ${host}, a name that leads to no address`,
  };
  const reason = reasons[String(code)] ?? `ADMIN_HOST ${host}, ADMIN_PORT ${port}: ${String(error)}`;
  return new ConfigError(reason);
}
