import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Account } from '../account/Account.js';
import type { ConnectionEntry, Delivery, Ownership } from '../account/accountEntries.js';
import { now } from '../account/now.js';
import type { FaultPlan } from '../faults/FaultPlan.js';
import type { ResolvedOptions } from '../options.js';
import { type ConnectionHost, GatewayConnection } from './GatewayConnection.js';
import type { GuildLoader } from './GuildLoader.js';
import type { Session } from './Session.js';

export const RESUME_PATH = '/resume';
/** Discord documents these as available and the older ones as deprecated: discord.com/developers/docs/reference#api-versioning */
const VERSIONS = new Set(['9', '10']);
const SWEEP_MS = 250;
/** Close codes by which a client ends its session. 1005 stands for a close frame without a code, which is a normal close. */
const ENDING_CLOSE_CODES = new Set([1000, 1001, 1005]);
const MAX_FRAME_BYTES = 1 << 20;

/** Answers a request of a connection. All but IDENTIFY and RESUME come from a connection that has a session. */
export type RequestHandler = (connection: GatewayConnection, opcode: number, data: unknown) => void;

export interface DispatchOptions {
  /** Where the sessions note who got the event. */
  ledger?: Delivery[];
  /** What a session gets if not all get the same. Sessions with the same variant name share one JSON text. */
  variant?: (session: Session) => { name: string; data: unknown };
  /**
   * Whether the event only changes the guild's state. Default: false. A session that still waits for the GUILD_CREATE does
   * not get such an event, because the GUILD_CREATE will show the new state. Any other event brings the GUILD_CREATE forward.
   */
  isState?: boolean;
  /** Whether the event goes out whatever the intents. Default: false. */
  ignoresIntents?: boolean;
}

/**
 * Owns the sockets and the sessions. The gateway accepts connections, knows which session has which socket, ends sessions
 * whose time is over, and sends events to the sessions they concern. Two sessions of one shard both get everything, as at
 * Discord.
 */
export class Gateway implements ConnectionHost {
  readonly sessions = new Map<string, Session>();
  readonly connections = new Set<GatewayConnection>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #server = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES });
  readonly #ownerships = new Map<GatewayConnection, Ownership>();
  #handleRequest: RequestHandler | undefined;
  #sweep: NodeJS.Timeout | undefined;
  #nextConnection = 1;

  constructor(
    private readonly options: ResolvedOptions,
    private readonly account: Account,
    private readonly plan: FaultPlan,
    private readonly loader: GuildLoader,
  ) {}

  start(handleRequest: RequestHandler): void {
    this.#handleRequest = handleRequest;
    const periodMs = Math.min(SWEEP_MS, this.options.heartbeatIntervalMs / 2);
    let last = now();
    this.#sweep = setInterval(() => {
      const lateMs = Math.max(0, now() - last - periodMs);
      last = now();
      this.#sweepOnce(lateMs);
    }, periodMs);
  }

  stop(): void {
    clearInterval(this.#sweep);
    for (const timer of this.#timers) clearTimeout(timer);
    this.loader.stop();
    for (const connection of [...this.connections]) connection.terminate();
    // These include sockets that we have closed and whose client has not answered yet.
    for (const socket of this.#server.clients) socket.terminate();
    this.#server.close();
    this.sessions.clear();
  }

  /** For the HTTP server's `upgrade` event. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A client may go away during the handshake.
    socket.on('error', () => undefined);
    if (this.plan.refusesConnections) {
      socket.destroy();
      return;
    }
    const [target = '', query = ''] = (request.url ?? '/').split('?', 2);
    const path = target.replace(/\/+$/, '');
    if (path !== '' && path !== RESUME_PATH) {
      socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) =>
      this.#accept(client, path === RESUME_PATH ? 'resume' : 'main', new URLSearchParams(query)),
    );
  }

  #accept(client: WebSocket, url: 'main' | 'resume', query: URLSearchParams): void {
    const entry: ConnectionEntry = {
      id: `c${this.#nextConnection++}`,
      openedAt: now(),
      url,
      query: query.toString(),
      shardId: null,
      shardCount: null,
      sessionId: null,
      identifiedAt: null,
      resumedAt: null,
      closedAt: null,
      closeCode: null,
      closeReason: null,
      closedBy: null,
      received: 0,
    };
    this.account.log(this.account.connections, entry);
    const connection = new GatewayConnection(entry, query, client, this, this.account, this.options);
    this.connections.add(connection);
    const version = query.get('v');
    if (version === null || !VERSIONS.has(version)) {
      connection.refuse(4012, 'invalidVersion', `gateway version ${version ?? '(none)'} is not available`);
      return;
    }
    const encoding = query.get('encoding') ?? 'json';
    const compress = query.get('compress');
    if (encoding !== 'json' || (compress !== null && compress !== 'zlib-stream')) {
      const detail = `the local Discord speaks encoding=json and compress=zlib-stream only, not ${query.toString()}`;
      connection.refuse(4002, 'unsupportedEncoding', detail);
      return;
    }
    if (this.plan.helloDelayMs === 0) {
      connection.hello();
      return;
    }
    this.after(this.plan.helloDelayMs, () => connection.hello());
  }

  request(connection: GatewayConnection, opcode: number, data: unknown): void {
    this.#handleRequest?.(connection, opcode, data);
  }

  closed(connection: GatewayConnection, by: 'client' | 'server', code: number): void {
    this.connections.delete(connection);
    const session = connection.session;
    this.#disown(connection);
    if (session === undefined) return;
    session.detach(connection);
    // discord.com/developers/docs/events/gateway#initiating-a-disconnect
    if (by === 'client' && ENDING_CLOSE_CODES.has(code) && session.connection === undefined) this.endSession(session);
  }

  /** Gives the session to the connection. The caller has closed the session's old socket, if there was one. */
  attach(session: Session, connection: GatewayConnection): void {
    this.sessions.set(session.id, session);
    session.attach(connection);
    connection.session = session;
    const { shardId, shardCount } = session;
    Object.assign(connection.entry, { shardId, shardCount, sessionId: session.id });
    const own = { shardId, shardCount, connectionId: connection.id, sessionId: session.id, from: now(), to: null };
    this.#ownerships.set(connection, this.account.log<Ownership>(this.account.ownerships, own));
  }

  /** Forgets the session. Its connection stays open without a session. */
  endSession(session: Session): void {
    this.sessions.delete(session.id);
    session.pendingGuilds.clear();
    const connection = session.connection;
    if (connection === undefined) return;
    session.detach(connection);
    connection.session = undefined;
    connection.identifying = false;
    this.#disown(connection);
  }

  /** The session of that id, unless its time without a socket is over. */
  findSession(id: string): Session | undefined {
    const session = this.sessions.get(id);
    if (session === undefined || !this.#isExpired(session)) return session;
    this.endSession(session);
    return undefined;
  }

  sessionsOfShard(shardId: number): Session[] {
    return [...this.sessions.values()].filter((session) => session.shardId === shardId);
  }

  connectionsOfShard(shardId: number): GatewayConnection[] {
    return [...this.connections].filter((connection) => connection.session?.shardId === shardId);
  }

  /** Runs the action after that time, unless the gateway stops before. */
  after(ms: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, ms);
    this.#timers.add(timer);
  }

  /** Sends an event of a guild to every session that has the guild and wants the event. */
  dispatchToGuild(event: string, guildId: string, data: unknown, options: DispatchOptions = {}): void {
    const cache = new Map<string, string>();
    for (const session of this.#sessionsWith(guildId)) {
      if (options.ignoresIntents !== true && !session.wants(event, false)) continue;
      if (session.pendingGuilds.has(guildId)) {
        if (options.isState === true) continue;
        this.loader.sendNow(session, guildId);
      }
      this.#dispatch(session, event, data, options, cache);
    }
  }

  /** Sends an event that has no guild. Those go to shard 0: discord.com/developers/docs/events/gateway#sharding */
  dispatchDirect(event: string, data: unknown, options: DispatchOptions = {}): void {
    const cache = new Map<string, string>();
    for (const session of this.sessions.values()) {
      if (session.shardId === 0 && session.wants(event, true)) this.#dispatch(session, event, data, options, cache);
    }
  }

  /** A guild becomes available or new to the bot. Each session gets what it may see of the guild. */
  dispatchGuildCreate(guildId: string): void {
    for (const session of this.#sessionsWith(guildId)) {
      if (!session.has('guilds')) continue;
      session.pendingGuilds.add(guildId);
      this.loader.sendNow(session, guildId);
    }
  }

  /** The bot loses a guild. A session that still waits for the GUILD_CREATE will not get it. */
  dispatchGuildDelete(guildId: string, data: unknown): void {
    for (const session of this.#sessionsWith(guildId)) session.pendingGuilds.delete(guildId);
    this.dispatchToGuild('GUILD_DELETE', guildId, data);
  }

  #sessionsWith(guildId: string): Session[] {
    return [...this.sessions.values()].filter((session) => session.holds(guildId));
  }

  #dispatch(
    session: Session,
    event: string,
    data: unknown,
    options: DispatchOptions,
    cache: Map<string, string>,
  ): void {
    const variant = options.variant?.(session) ?? { name: '', data };
    let json = cache.get(variant.name);
    if (json === undefined) {
      json = JSON.stringify(variant.data);
      cache.set(variant.name, json);
    }
    session.dispatch(event, json, options.ledger);
  }

  #disown(connection: GatewayConnection): void {
    const own = this.#ownerships.get(connection);
    if (own !== undefined) own.to = now();
    this.#ownerships.delete(connection);
  }

  #isExpired(session: Session): boolean {
    return session.detachedAt !== undefined && now() - session.detachedAt > this.options.resumeWindowMs;
  }

  /** @param lateMs how long our own event loop stood still. Heartbeats that came meanwhile may be unread. */
  #sweepOnce(lateMs: number): void {
    for (const connection of this.connections) connection.checkHeartbeat(lateMs);
    for (const session of this.sessions.values()) if (this.#isExpired(session)) this.endSession(session);
  }
}
