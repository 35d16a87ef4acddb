import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { AdminApi, AdminEvents, LiveStatus, LogLine, StatusHistory } from '../../src/core/contracts/AdminApi.js';
import type { GuildSummary } from '../../src/core/contracts/ClusterContract.js';
import { SECURITY_HEADERS } from '../../src/master/admin/answers.js';
import { history } from './scenarios.js';

export const PAGE = new URL('../../src/page/', import.meta.url);
export const TOKEN = 'a-token-of-the-tests-0123456789';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};

/** The admin API without a master. It says what the test wants it to say, about once a second. */
export class FakeAdmin {
  /** Called for each viewer and each second. */
  public status: (tick: number) => LiveStatus;
  public history: StatusHistory;
  public lines: LogLine[] = [];
  public guild: GuildSummary | null = null;
  /** The bodies of `POST /api/restart`. */
  public readonly restarts: AdminApi['POST /api/restart']['body'][] = [];
  /** Answers the next POST, once. */
  public refusal: { status: number; code: string; message: string; headers?: Record<string, string> } | null = null;
  /** The master hangs: connections stay open, and nothing comes. */
  public silent = false;
  /** Paths that were asked for, with the query. */
  public readonly requests: string[] = [];
  readonly #held = new Map<string, Promise<void>>();
  #logins = new Set<string>();
  readonly #viewers = new Map<ServerResponse, string | null>();
  #server: Server | undefined;
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;
  #port = 0;

  public constructor(status: (tick: number) => LiveStatus, minutes = 60) {
    this.status = status;
    this.history = history(status(0), minutes);
  }

  public get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  public get viewers(): number {
    return this.#viewers.size;
  }

  /** Listens, on the port that it had before if it had one. */
  public async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#timer = setInterval(() => this.step(), 1000);
  }

  /** Ends like a process that is killed: every connection is gone. */
  public async stop(): Promise<void> {
    clearInterval(this.#timer);
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    this.#viewers.clear();
  }

  /** The next second. */
  public step(): void {
    this.#tick++;
    if (!this.silent) this.send('status', this.status(this.#tick));
  }

  public send<Name extends keyof AdminEvents>(name: Name, data: AdminEvents[Name]): void {
    const frame = frameOf(name, data);
    for (const viewer of this.#viewers.keys()) viewer.write(frame);
  }

  /** Holds answers of this path back. @returns a function that releases them. */
  public hold(path: string): () => void {
    let release = (): void => {};
    this.#held.set(path, new Promise((resolve) => (release = resolve)));
    return () => {
      this.#held.delete(path);
      release();
    };
  }

  /** Sends a line to whoever looks at these logs. */
  public log(line: LogLine): void {
    this.lines.push(line);
    for (const [viewer, target] of this.#viewers) if (concerns(line, target)) viewer.write(frameOf('logs', [line]));
  }

  /** Everybody has to log in again. */
  public forgetLogins(): void {
    this.#logins = new Set();
    for (const viewer of this.#viewers.keys()) viewer.end();
    this.#viewers.clear();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    // With these headers anything inline, any `eval` and any parsing of markup is an error in the console.
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
    if (!url.pathname.startsWith('/api/')) return this.#serveFile(url.pathname, response);
    const body: unknown = request.method === 'POST' ? JSON.parse(await text(request)) : undefined;
    if (this.silent) return;
    await this.#held.get(url.pathname);
    if (response.destroyed) return;
    if (this.refusal !== null && request.method === 'POST') {
      const { status, code, message, headers } = this.refusal;
      this.refusal = null;
      return fail(response, status, code, message, headers);
    }
    if (url.pathname === '/api/login') return this.#logIn(body as { token: string }, response);
    const cookie = /kallisti_session=(\w+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    if (!this.#logins.has(cookie)) return fail(response, 401, 'UNAUTHORIZED', 'A token is needed.');
    switch (url.pathname) {
      case '/api/logout':
        this.#logins.delete(cookie);
        return answer(response, { status: 'ok' });
      case '/api/status':
        return answer(response, { ...this.status(this.#tick), history: this.history });
      case '/api/events': {
        const target = url.searchParams.get('logs');
        const count = this.status(this.#tick).clusters.length;
        if (target !== null && Number(target) >= count)
          return fail(response, 404, 'NOT_FOUND', 'There is no such cluster.');
        return this.#stream(target, response);
      }
      case '/api/restart': {
        const wish = body as AdminApi['POST /api/restart']['body'];
        this.restarts.push(wish);
        return answer(response, { id: 'r1', clusterIds: wish.clusterIds ?? [] }, 202);
      }
      default:
        if (url.pathname.startsWith('/api/find/guild/')) return answer(response, { guild: this.guild });
        return fail(response, 404, 'NOT_FOUND', 'There is no such thing.');
    }
  }

  async #serveFile(path: string, response: ServerResponse): Promise<void> {
    const name = path === '/' ? 'index.html' : path.slice(1);
    try {
      if (!/^[\w.]+$/.test(name)) throw new Error('not a name');
      const content = await readFile(new URL(name, PAGE));
      response.setHeader('content-type', TYPES[name.split('.').at(-1) ?? ''] ?? 'text/plain');
      response.end(content);
    } catch {
      // It is no file of the page.
      fail(response, 404, 'NOT_FOUND', 'There is no such file.');
    }
  }

  #logIn({ token }: { token: string }, response: ServerResponse): void {
    if (token !== TOKEN) {
      fail(response, 401, 'UNAUTHORIZED', 'This token is not right.');
      return;
    }
    const login = Math.random().toString(36).slice(2);
    this.#logins.add(login);
    response.setHeader('set-cookie', `kallisti_session=${login}; HttpOnly; SameSite=Strict; Path=/`);
    answer(response, { expiresAt: Date.now() + 3_600_000 });
  }

  #stream(target: string | null, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(frameOf('status', this.status(this.#tick)));
    response.write(frameOf('history', this.history));
    if (target !== null) {
      response.write(frameOf('logs', this.lines.filter((line) => concerns(line, target)).slice(-100)));
    }
    this.#viewers.set(response, target);
    response.once('close', () => this.#viewers.delete(response));
  }
}

function concerns({ clusterId }: LogLine, target: string | null): boolean {
  return target === 'all' || target === (clusterId === null ? 'master' : `${clusterId}`);
}

function frameOf(name: string, data: unknown): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function answer(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function fail(
  response: ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify({ error: { code, message, retryable: status >= 500 } }));
}
