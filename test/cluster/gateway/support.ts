import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import pino, { type Logger } from 'pino';
import { onTestFinished, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { ErisAdapter } from '../../../src/cluster/clients/eris/ErisAdapter.js';
import type { ErisClient, ErisOptions } from '../../../src/cluster/clients/eris/index.js';
import { Gateway, GatewayLog, type GatewayOptions, type Slot } from '../../../src/cluster/gateway/index.js';
import type { ShardStatus } from '../../../src/core/contracts/ClusterContract.js';
import { Simulator, type SimulatorOptions } from '../../../src/simulator/index.js';

export const GUILDS = 1 << 0;
export const GUILD_MESSAGES = 1 << 9;
export const MESSAGE_CONTENT = 1 << 15;

/** Short pauses, so that what is paused for is seen within a test; the rules stay the same. */
export const FAST = {
  invalidSessionMinMs: 50,
  invalidSessionMaxMs: 100,
  reconnectBaseMs: 20,
  reconnectMaxMs: 200,
} as const;

/** Waits for a state. Long, because it only takes that long where something is wrong, or the machine is very busy. */
export function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { timeout: 20_000, interval: 5 });
}

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [key: string]: unknown;
}

/** A real logger whose lines are kept. */
export function recordingLogger(): { logger: Logger; lines: LogLine[]; text: () => string } {
  const lines: LogLine[] = [];
  const logger = pino({ level: 'debug', base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  return { logger, lines, text: () => JSON.stringify(lines) };
}

/** Grants every slot at once, unless told to hold them, and writes down what became of each. */
export class SlotDesk {
  public readonly asked: number[] = [];
  public readonly returned: { shardId: number; used: boolean }[] = [];
  public out = 0;
  readonly #held: (() => void)[] = [];
  #holding = false;

  public readonly acquire = (shardId: number): Promise<Slot> => {
    this.asked.push(shardId);
    return new Promise((resolve) => {
      const grant = () => {
        this.out++;
        let open = true;
        resolve({
          release: (used) => {
            if (!open) throw new Error(`the slot of shard ${shardId} was returned twice`);
            open = false;
            this.out--;
            this.returned.push({ shardId, used });
          },
        });
      };
      if (this.#holding) this.#held.push(grant);
      else grant();
    });
  };

  public hold(): void {
    this.#holding = true;
  }

  public grantHeld(): void {
    this.#holding = false;
    for (const grant of this.#held.splice(0)) grant();
  }
}

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const simulator = new Simulator({
    guildCount: 24,
    shardCount: 4,
    maxConcurrency: 16,
    identifyIntervalMs: 0,
    globalRequestsPerSecond: Number.POSITIVE_INFINITY,
    ...options,
  });
  await simulator.start();
  onTestFinished(() => simulator.stop());
  return simulator;
}

export interface Opened {
  readonly gateway: Gateway<ErisClient>;
  readonly slots: SlotDesk;
  readonly states: ShardStatus[];
  readonly log: ReturnType<typeof recordingLogger>;
}

type Target = Pick<GatewayOptions, 'gatewayUrl' | 'token'> & { readonly apiUrl: string };
type Overrides = Partial<GatewayOptions> & ErisOptions;

export function targetOf(simulator: Simulator): Target {
  return { apiUrl: simulator.url, gatewayUrl: simulator.gatewayUrl, token: simulator.token };
}

/** A gateway for shards 0 to 3 of 4, stopped when the test ends. */
export function createGateway(target: Target | Simulator, overrides: Overrides = {}): Opened {
  const opened = openGateway(target, overrides);
  onTestFinished(() => opened.gateway.stop());
  return opened;
}

/** The same for whoever stops it. */
export function openGateway(
  target: Target | Simulator,
  { intents = GUILDS | GUILD_MESSAGES | MESSAGE_CONTENT, clientOptions = {}, ...overrides }: Overrides = {},
): Opened {
  const slots = new SlotDesk();
  const states: ShardStatus[] = [];
  const log = recordingLogger();
  const { apiUrl, gatewayUrl, token } = target instanceof Simulator ? targetOf(target) : target;
  const options: GatewayOptions = {
    gatewayUrl,
    token,
    shardIds: [0, 1, 2, 3],
    shardCount: 4,
    timings: FAST,
    acquireSlot: slots.acquire,
    onShardState: (status) => void states.push(status),
    ...overrides,
  };
  const gatewayLog = new GatewayLog(log.logger, token);
  const { shardIds, shardCount } = options;
  const adapter = new ErisAdapter({ token, apiUrl, shardIds, shardCount, log: gatewayLog }, { intents, clientOptions });
  const gateway = new Gateway(adapter, options, gatewayLog);
  return { gateway, slots, states, log };
}

export interface Payload {
  readonly op: number;
  readonly d?: unknown;
  readonly s?: number;
  readonly t?: string;
}

/** One connection of a {@link ScriptedGateway}. */
export class ScriptedConnection {
  public readonly received: Payload[] = [];
  public closeCode: number | undefined;

  public constructor(
    public readonly socket: WebSocket,
    public readonly path: string,
  ) {
    socket.on('message', (data) => void this.received.push(JSON.parse(String(data))));
    socket.on('close', (code) => {
      this.closeCode = code;
    });
  }

  public send(payload: Payload): void {
    this.socket.send(JSON.stringify(payload));
  }

  public hello(heartbeatIntervalMs = 45_000): void {
    this.send({ op: 10, d: { heartbeat_interval: heartbeatIntervalMs } });
  }

  public ready(overrides: object = {}): void {
    const d = {
      v: 10,
      session_id: 'session',
      guilds: [],
      user: { id: '1', username: 'bot', discriminator: '0', bot: true },
      application: { id: '1', flags: 0 },
      ...overrides,
    };
    this.send({ op: 0, t: 'READY', s: 1, d });
  }

  public opcodes(): number[] {
    return this.received.map(({ op }) => op);
  }
}

/** A gateway that does what the test says, for what a faithful Discord never does. */
export class ScriptedGateway {
  public readonly connections: ScriptedConnection[] = [];
  readonly #server: WebSocketServer;

  private constructor(server: WebSocketServer, onConnection: (connection: ScriptedConnection, index: number) => void) {
    this.#server = server;
    server.on('connection', (socket, request) => {
      const connection = new ScriptedConnection(socket, request.url ?? '');
      this.connections.push(connection);
      onConnection(connection, this.connections.length - 1);
    });
  }

  public static async start(
    onConnection: (connection: ScriptedConnection, index: number) => void,
  ): Promise<ScriptedGateway> {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    onTestFinished(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
    return new ScriptedGateway(server, onConnection);
  }

  public get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** For {@link createGateway}; there is no REST API behind it. */
  public get target(): Target {
    return { apiUrl: this.url.replace('ws:', 'http:'), gatewayUrl: this.url, token: 'a.secret.token' };
  }
}

export function createOneShard(target: Target | Simulator, overrides: Overrides = {}): Opened {
  return createGateway(target, { shardIds: [0], shardCount: 1, ...overrides });
}
