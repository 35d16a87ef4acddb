import type { ShardCounts, ShardSession, ShardStatus } from '../../core/contracts/ClusterContract.js';
import type { BotIdentity, GatewayPacket } from '../../core/discord/packets.js';
import { AbortError, type DiscordRefusedError } from '../../core/errors.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';
import { ClosingSockets } from './ClosingSockets.js';
import type { GatewayLog } from './GatewayLog.js';
import { DEFAULT_TIMINGS, type GatewayOptions } from './GatewayOptions.js';
import type { MemberFetch } from './MemberFetches.js';
import type { KeptPresence } from './Presence.js';
import { Reachability } from './Reachability.js';
import { Shard, type ShardHost } from './Shard.js';

interface Pending {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * The connections of some shards of a bot, which obey Discord's rules and can be handed to another process. What arrives on them
 * goes to a client library by way of its adapter.
 *
 * It guarantees: an IDENTIFY is sent only with a slot; a session is kept until Discord says that it is gone, or `release()`
 * gives it to somebody else; what a callback throws is logged and hurts nobody; the token appears in no log and no error. It
 * leaves to others: who grants the slots, where sessions are kept, what the bot does.
 *
 * `connect()` once; then `release()` and `adopt()` as often as needed; `stop()` at the end.
 */
export class Gateway<C = unknown> {
  public readonly adapter: ClientAdapter<C>;
  readonly #options: GatewayOptions;
  readonly #log: GatewayLog;
  readonly #closing: ClosingSockets;
  readonly #shards = new Map<number, Shard>();
  #identity: BotIdentity | null = null;
  #pending: Pending | null = null;
  #refusal: DiscordRefusedError | null = null;
  #connected = false;
  #stopped: Promise<void> | null = null;

  /**
   * Makes the shards, without any connection: listeners can be attached and guilds put into the cache first.
   *
   * @throws TypeError where the gateway's URL is none.
   */
  public constructor(adapter: ClientAdapter<C>, options: GatewayOptions, log: GatewayLog) {
    this.adapter = adapter;
    this.#options = options;
    this.#log = log;
    const timings = { ...DEFAULT_TIMINGS, ...options.timings };
    this.#closing = new ClosingSockets(timings.closeTimeoutMs);
    const host: ShardHost = {
      adapter,
      options,
      timings,
      log,
      closing: this.#closing,
      reachability: new Reachability(log.logger),
      stateChanged: (shard) => this.#stateChanged(shard),
      identified: (identity) => {
        this.#identity = { ...this.#identity, ...identity } as BotIdentity;
      },
      refused: (error) => this.#refused(error),
      deaf: (shardId, reason) => this.#deaf(shardId, reason),
    };
    for (const shardId of options.shardIds) this.#shards.set(shardId, new Shard(shardId, host));
    adapter.attach((shardId, payload) => this.#shards.get(shardId)?.send(payload));
  }

  public get client(): C {
    return this.adapter.client;
  }

  /** What READY said about the bot, for a later process that only resumes; null before the first READY. */
  public get identity(): BotIdentity | null {
    return this.#identity;
  }

  /** Dispatches dealt with since the process started. */
  public get eventCount(): number {
    return [...this.#shards.values()].reduce((sum, { counts }) => sum + counts.events, 0);
  }

  /** Before `connect()` with sessions: RESUMED does not tell who the bot is. */
  public restoreIdentity(identity: BotIdentity): void {
    this.#identity = identity;
    this.adapter.restoreIdentity(identity);
  }

  /** Before a shard is connected: the presence that an earlier process has set on it, as its `onPresence` got it. */
  public restorePresence(shardId: number, presence: object): void {
    this.#shards.get(shardId)?.restorePresence(presence as KeptPresence);
  }

  /** Before a shard is connected: fetches that an earlier process has begun, as its `onMemberFetch` got them. */
  public restoreMemberFetches(shardId: number, fetches: Iterable<MemberFetch>): void {
    this.#shards.get(shardId)?.restoreMemberFetches(fetches);
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
    for (const session of sessions) this.#shards.get(session.shardId)?.restore(session);
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
    for (const shard of this.#shards.values()) {
      const session = shard.release();
      if (session !== null) sessions.push(session);
    }
    this.#pending?.reject(new AbortError('connect', new Error('The shards were released')));
    return sessions;
  }

  /**
   * Gives a dispatch to the client's listeners, and to `onEvent`, once more: not as part of the session.
   *
   * @param packet as Discord sent it, without its number.
   * @param run is called at once, and calls the listeners with `emit`.
   */
  public repeat(shardId: number, packet: GatewayPacket, run: (emit: () => void) => void): void {
    this.#shards.get(shardId)?.repeat(packet, run);
  }

  /** How long Discord took to confirm a shard's last heartbeat, in milliseconds; null where it has not yet. */
  public latencyMs(shardId: number): number | null {
    return this.#shards.get(shardId)?.latencyMs ?? null;
  }

  /** Looks at every guild: not for what happens often. */
  public statuses(): readonly (ShardStatus & ShardCounts)[] {
    const { guilds } = this.adapter.counts();
    return [...this.#shards.values()].map((shard) => ({ ...this.#statusOf(shard, guilds), ...shard.counts }));
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
    this.release();
    await Promise.all([this.adapter.stop(), this.#closing.closed()]);
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
      for (const shard of this.#shards.values()) shard.open();
      this.#checkReady();
      await ready;
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#pending = null;
    }
  }

  #stateChanged(shard: Shard): void {
    try {
      this.#options.onShardState?.(this.#statusOf(shard, this.adapter.counts().guilds));
    } catch (error) {
      this.#log.callbackError('onShardState', shard.shardId, error);
    }
    this.#checkReady();
  }

  #checkReady(): void {
    if (this.#pending === null) return;
    const isSettled = ({ state }: Shard): boolean => state === 'ready' || state === 'failed';
    if ([...this.#shards.values()].every(isSettled)) this.#pending.resolve();
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

  #statusOf({ shardId, state, latencyMs }: Shard, guilds: ReadonlyMap<number, number>): ShardStatus {
    return { shardId, state, latencyMs, guilds: guilds.get(shardId) ?? 0 };
  }
}
