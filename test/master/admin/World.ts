import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeFleet } from '../../../bench/admin/FakeFleet.js';
import { LogTail } from '../../../src/core/log/LogTail.js';
import { Secret } from '../../../src/core/log/secrets.js';
import type { AdminConfig } from '../../../src/core/settings/config.js';
import { Admin } from '../../../src/master/admin/Admin.js';
import type { AdminFleet } from '../../../src/master/admin/AdminContext.js';
import type { AdminLimits } from '../../../src/master/admin/AdminServer.js';
import { FleetCommands, type FleetCommandsOptions } from '../../../src/master/fleet/FleetCommands.js';
import { type MemoryLogger, memoryLogger } from '../../support/memoryLogger.js';

export const TOKEN = 'a-token-that-nobody-guesses';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: unknown;
}

export interface CallOptions {
  readonly method?: string;
  /** `null`: none. Default: the right token. */
  readonly token?: string | null;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The admin side over real HTTP on loopback, with clusters that have no process. */
export class World {
  public readonly fleet: FakeFleet;
  public readonly dataDir = mkdtempSync(join(tmpdir(), 'kallisti-admin-'));
  public readonly stopping = new AbortController();
  public readonly log: MemoryLogger = memoryLogger();
  public readonly masterTail = new LogTail();
  public readonly admin: Admin;
  public stopRequests = 0;

  public constructor({ config = {}, fleet = new FakeFleet(2, 2), pageFolder, limits }: WorldOptions = {}) {
    this.fleet = fleet;
    this.admin = new Admin({
      config: {
        host: '127.0.0.1',
        port: 0,
        portIsDefault: false,
        token: new Secret(TOKEN),
        allowsEval: false,
        ...config,
      },
      dataDir: this.dataDir,
      localDiscord: true,
      logger: this.log.logger,
      logTail: this.masterTail,
      stopping: this.stopping.signal,
      onStopRequested: () => {
        this.stopRequests++;
      },
      pageFolder: pageFolder ?? join(this.dataDir, 'page'),
      limits,
    });
  }

  public static async start(options?: WorldOptions): Promise<World> {
    const world = new World(options);
    await world.admin.start();
    // The fake has the shape that the admin side looks at.
    const parts = world.fleet.commandOptions(world.log.logger) as unknown as FleetCommandsOptions;
    world.admin.watch(world.fleet.asFleet(new FleetCommands(parts) as never) as unknown as AdminFleet);
    return world;
  }

  public get url(): string {
    return this.admin.url ?? '';
  }

  public get port(): number {
    return Number(new URL(this.url).port);
  }

  public async stop(): Promise<void> {
    await this.admin.stop();
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Node's own client, because `fetch` sets Host and Origin by itself. */
  public call(path: string, { method, token = TOKEN, body, headers = {} }: CallOptions = {}): Promise<Answer> {
    const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        `${this.url}${path}`,
        {
          agent: false,
          method: method ?? (body === undefined ? 'GET' : 'POST'),
          headers: {
            ...(token === null ? {} : { authorization: `Bearer ${token}` }),
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () => {
            const received = Buffer.concat(chunks).toString();
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: received,
              json:
                received !== '' && /json/.test(response.headers['content-type'] ?? '')
                  ? JSON.parse(received)
                  : undefined,
            });
          });
        },
      );
      request.on('error', reject);
      request.end(text);
    });
  }

  /** @returns the cookie of a login, as a browser sends it back. */
  public async logIn(): Promise<string> {
    const { headers } = await this.call('/api/login', { token: null, body: { token: TOKEN } });
    return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
  }

  public messages(): string[] {
    return this.log.lines.map(({ msg }) => msg);
  }
}

export interface WorldOptions {
  readonly config?: Partial<AdminConfig>;
  readonly fleet?: FakeFleet;
  readonly pageFolder?: string;
  readonly limits?: Partial<AdminLimits>;
}
