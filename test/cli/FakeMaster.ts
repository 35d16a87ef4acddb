import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AdminEvents, AdminStatus, LogLine } from '../../src/core/contracts/AdminApi.js';
import { sampleStatus } from './sampleStatus.js';

export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface Answer {
  readonly status?: number;
  readonly body?: unknown;
  /** Instead of a body in JSON. */
  readonly text?: string;
  /** Never answers. */
  readonly hangs?: true;
}

const TOKEN = 'fake-admin-token-0123456789';
/** How often viewers are told the status, in milliseconds; a real master does so once a second. */
const STATUS_INTERVAL_MS = 50;

/**
 * The admin API's server as the command line sees it: what it answers is set by the test, what it was asked is kept. It
 * has a DATA_DIR as a master leaves it.
 */
export class FakeMaster {
  public readonly token = TOKEN;
  public readonly dataDir = mkdtempSync(join(tmpdir(), 'kallisti-cli-'));
  public readonly requests: SeenRequest[] = [];
  public status: AdminStatus = sampleStatus();
  public logs: LogLine[] = [];
  /** Answers of this test, by method and path. */
  public readonly answers = new Map<string, (request: SeenRequest) => Answer>();
  #server: Server | undefined;
  #port = 0;
  #ticker: NodeJS.Timeout | undefined;
  readonly #viewers = new Set<ServerResponse>();

  /** @param pid Whose the DATA_DIR says that it is. Default: this process. */
  public async start(pid = process.pid): Promise<this> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#ticker = setInterval(() => this.push('status', this.#live()), STATUS_INTERVAL_MS);
    this.announce(pid);
    return this;
  }

  public get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  public get viewers(): number {
    return this.#viewers.size;
  }

  /** Writes what others find it by. */
  public announce(pid: number): void {
    writeFileSync(join(this.dataDir, 'admin.json'), JSON.stringify({ url: this.url, pid, version: '1.2.3' }));
    writeFileSync(join(this.dataDir, 'admin-token'), `${this.token}\n`);
  }

  public push<Name extends keyof AdminEvents>(name: Name, data: AdminEvents[Name]): void {
    for (const viewer of this.#viewers) viewer.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  public log(line: LogLine): void {
    this.logs.push(line);
    this.push('logs', [line]);
  }

  /** Cuts every viewer off, as a master does that dies. */
  public dropViewers(): void {
    for (const viewer of this.#viewers) viewer.destroy();
    this.#viewers.clear();
  }

  /** Ends the server; DATA_DIR stays until `dispose`. */
  public async stop(): Promise<void> {
    clearInterval(this.#ticker);
    this.dropViewers();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  public async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const { pathname: path, searchParams } = new URL(request.url ?? '', this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const seen = {
      method,
      path,
      query: Object.fromEntries(searchParams),
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    if (request.headers.authorization !== `Bearer ${this.token}` && path !== '/healthz') {
      send(response, failure(401, 'UNAUTHORIZED', 'the token is not valid'));
      return;
    }
    const own = this.answers.get(`${method} ${path}`);
    if (own !== undefined) send(response, own(seen));
    else if (path === '/api/events') this.#view(response, seen.query);
    else send(response, this.#answer(seen));
  }

  #answer({ method, path, query, body }: SeenRequest): Answer {
    const lines = Number(query.lines ?? 200);
    switch (`${method} ${path}`) {
      case 'GET /healthz':
        return { body: { status: 'ok' } };
      case 'GET /api/status':
        return { body: this.status };
      case 'GET /api/logs':
        return { body: { lines: this.logs.slice(-lines) } };
      case 'GET /api/clusters/1/logs':
        return { body: { lines: this.logs.filter(({ clusterId }) => clusterId === 1).slice(-lines) } };
      case 'POST /api/loglevel':
        return { body: { level: (body as { level: string }).level, clusterIds: [0, 1] } };
      default:
        return failure(404, 'NOT_FOUND', `${method} ${path} is not known`);
    }
  }

  #view(response: ServerResponse, query: Readonly<Record<string, string>>): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    this.#viewers.add(response);
    response.once('close', () => this.#viewers.delete(response));
    const write = (name: string, data: unknown): void => {
      response.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    write('status', this.#live());
    if (query.logs !== undefined) write('logs', this.logs.slice(-100));
  }

  #live(): AdminEvents['status'] {
    const { history: _, ...live } = this.status;
    return live;
  }
}

export function failure(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message, retryable: false } } };
}

function send(response: ServerResponse, { status = 200, body, text, hangs }: Answer): void {
  if (hangs) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(text ?? JSON.stringify(body));
}
