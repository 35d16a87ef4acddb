import { type Client, ExtendedUser } from 'eris';
import type { ShardCounts, ShardSession, ShardStatus } from '../../core/contracts/ClusterContract.js';
import type { RestAgent } from '../../core/discord/rest/RestAgent.js';
import { AbortError, type DiscordRefusedError } from '../../core/errors.js';
import { bareToken, createClient } from '../clients/eris/createClient.js';
import { shardInternalsOf, shardManagerOf } from '../clients/eris/erisInternals.js';
import { countGuilds } from '../clients/eris/guildCache.js';
import { HandlerIsolation } from '../clients/eris/HandlerIsolation.js';
import { stopRequests } from '../clients/eris/stopRequests.js';
import { ClosingSockets } from './ClosingSockets.js';
import { GatewayLog } from './GatewayLog.js';
import { type BotIdentity, DEFAULT_TIMINGS, type GatewayOptions } from './GatewayOptions.js';
import { gatewayAddress } from './gatewayAddress.js';
import { Reachability } from './Reachability.js';
import { Redactor } from './redact.js';
import { ShardLink, type ShardLinkHost } from './ShardLink.js';

interface Pending {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * A stock eris client for some shards of a bot, whose connections obey Discord's rules and can be handed to another process.
 *
 * It guarantees: an IDENTIFY is sent only with a slot; a session is kept until Discord says that it is gone, or `release()`
 * gives it to somebody else; what a handler of the bot throws is logged and hurts nobody; the token appears in no log and no
 * error. It leaves to others: who grants the slots, where sessions are kept, what the bot does.
 *
 * `connect()` once; then `release()` and `adopt()` as often as needed; `stop()` at the end.
 */
export class Gateway {
  public readonly client: Client;
  readonly #options: GatewayOptions;
  readonly #log: GatewayLog;
  readonly #agent: RestAgent;
  readonly #closing: ClosingSockets;
  readonly #links = new Map<number, ShardLink>();
  #identity: BotIdentity | null = null;
  #pending: Pending | null = null;
  #refusal: DiscordRefusedError | null = null;
  #connected = false;
  #stopped: Promise<void> | null = null;

  /**
   * Creates the client and its shards, without any connection: handlers can be attached and guilds put into the cache first.
   *
   * @throws Error where the installed eris does not fit; TypeError where a URL is none.
   */
  public constructor(options: GatewayOptions) {
    this.#options = options;
    const timings = { ...DEFAULT_TIMINGS, ...options.timings };
    this.#log = new GatewayLog(options.logger, new Redactor(bareToken(options.token)));
    this.#closing = new ClosingSockets(timings.closeTimeoutMs);
    const { client, rest } = createClient(options);
    this.client = client;
    this.#agent = rest.agent;
    client.gatewayURL = gatewayAddress(options.gatewayUrl, client.options.compress === true);
    client.connect = () => Promise.reject(new Error('The gateway connects this client; connect() is not for the bot.'));

    const host: ShardLinkHost = {
      client,
      options,
      timings,
      isolation: new HandlerIsolation(client, this.#log),
      log: this.#log,
      closing: this.#closing,
      reachability: new Reachability(options.logger),
      stateChanged: (link) => this.#stateChanged(link),
      identified: (identity) => {
        this.#identity = identity;
      },
      refused: (error) => this.#refused(error),
      deaf: (shardId, reason) => this.#deaf(shardId, reason),
    };
    client.on('warn', (message: unknown, shardId?: number) => this.#log.warning(message, shardId));
    this.#spawnShards(host);
  }

  /** What READY said about the bot, for a later process that only resumes; null before the first READY. */
  public get identity(): BotIdentity | null {
    return this.#identity;
  }

  /** Dispatches dealt with since the process started. */
  public get eventCount(): number {
    return [...this.#links.values()].reduce((sum, { counts }) => sum + counts.events, 0);
  }

  /** Before `connect()` with sessions: eris needs to know the bot to answer an interaction, and RESUMED does not tell. */
  public restoreIdentity(identity: BotIdentity): void {
    this.#identity = identity;
    this.client.user = new ExtendedUser({ ...identity.user }, this.client);
    this.client.users.set(identity.user.id, this.client.user);
    this.client.application = { ...identity.application };
  }

  /**
   * Connects all shards: those of `sessions` resume, the others identify as soon as they have a slot. Resolves when all are
   * ready, but for those that are in too many guilds. While the gateway is out of reach it goes on trying, until `signal` fires.
   *
   * @throws DiscordRefusedError where Discord refuses the bot for good; the other shards are released then.
   * @throws AbortError where `signal` fires or `release()` is called meanwhile; all shards are released then.
   */
  public async connect(sessions: readonly ShardSession[] = [], signal?: AbortSignal): Promise<void> {
    if (this.#connected) throw new Error('connect() was called before; adopt() takes released shards back');
    if (signal?.aborted) throw new AbortError('connect', signal.reason);
    this.#connected = true;
    for (const session of sessions) this.#links.get(session.shardId)?.restore(session);
    await this.#openAll('connect', signal);
  }

  /**
   * Takes released shards back: they resume where they were released, or identify where Discord refuses that. Resolves when
   * all are ready.
   *
   * @throws as `connect()` does.
   */
  public async adopt(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) throw new AbortError('adopt', signal.reason);
    if (this.#refusal !== null) throw this.#refusal;
    if (this.#stopped !== null) throw new Error('The gateway is stopped');
    await this.#openAll('adopt', signal);
  }

  /**
   * Closes every shard so that its session can be resumed, here or by another process, and says how. No packet is handled
   * after the call. A shard without a session (it has not been READY yet) is closed and left out. A second call returns the same.
   */
  public release(): readonly ShardSession[] {
    const sessions: ShardSession[] = [];
    for (const link of this.#links.values()) {
      const session = link.release();
      if (session !== null) sessions.push(session);
    }
    this.#pending?.reject(new AbortError('connect', new Error('The shards were released')));
    return sessions;
  }

  /** How long Discord took to confirm a shard's last heartbeat, in milliseconds; null where it has not yet. */
  public latencyMs(shardId: number): number | null {
    return this.#links.get(shardId)?.latencyMs ?? null;
  }

  /** Looks at every guild: not for what happens often. */
  public statuses(): readonly (ShardStatus & ShardCounts)[] {
    const guilds = countGuilds(this.client);
    return [...this.#links.values()].map((link) => ({ ...this.#statusOf(link, guilds), ...link.counts }));
  }

  /**
   * Releases the shards and ends the client: afterwards no socket, timer or listener of it is left, and REST requests that are
   * still under way or are made later reject.
   */
  public stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    for (const guildId of [...this.client.voiceConnections.keys()]) this.client.voiceConnections.leave(String(guildId));
    this.release();
    this.#agent.destroy();
    stopRequests(this.client);
    await this.#closing.closed();
    this.client.removeAllListeners();
  }

  #spawnShards(host: ShardLinkHost): void {
    const manager = shardManagerOf(this.client);
    // eris's identify queue knows this process only. It asks for connections by `connect`, and calls the other two when a
    // shard gets ready.
    manager.connect = ({ id }) => this.#links.get(id)?.reconnect();
    manager.tryConnect = () => {};
    manager._readyPacketCB = () => {};
    for (const shardId of this.#options.shardIds) {
      // Creates the shard and asks `connect` for a connection, which is refused as long as there is no link.
      manager.spawn(shardId);
      this.#links.set(shardId, new ShardLink(shardInternalsOf(manager.get(shardId)), host));
    }
  }

  async #openAll(action: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#pending !== null) throw new Error(`${action}: the shards are being connected already`);
    const ready = new Promise<void>((resolve, reject) => {
      this.#pending = { resolve, reject };
    });
    const abort = () => {
      this.#pending?.reject(new AbortError(action, signal?.reason));
      this.release();
    };
    signal?.addEventListener('abort', abort, { once: true });
    try {
      for (const link of this.#links.values()) link.open();
      this.#checkReady();
      await ready;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#pending = null;
    }
  }

  #stateChanged(link: ShardLink): void {
    try {
      this.#options.onShardState?.(this.#statusOf(link, countGuilds(this.client)));
    } catch (error) {
      this.#log.callbackError('onShardState', link.shardId, error);
    }
    this.#checkReady();
  }

  #checkReady(): void {
    if (this.#pending === null) return;
    if ([...this.#links.values()].every(({ state }) => state === 'ready' || state === 'failed'))
      this.#pending.resolve();
  }

  #deaf(shardId: number, reason: string): void {
    try {
      this.#options.onDeaf?.(shardId, reason);
    } catch (error) {
      this.#log.callbackError('onDeaf', shardId, error);
    }
  }

  #refused(error: DiscordRefusedError): void {
    const first = this.#refusal === null;
    this.#refusal ??= error;
    if (this.#pending !== null) {
      this.#pending.reject(error);
      // What one shard is refused for, the others are, or will be.
      this.release();
    } else if (first) {
      try {
        this.#options.onFatal?.(error);
      } catch (thrown) {
        this.#log.callbackError('onFatal', undefined, thrown);
      }
    }
  }

  #statusOf(link: ShardLink, guilds: ReadonlyMap<number, number>): ShardStatus {
    const { shardId, state, latencyMs } = link;
    return { shardId, state, latencyMs, guilds: guilds.get(shardId) ?? 0 };
  }
}
