import type { Logger } from 'pino';
import type { ShardStatus } from '../../core/contracts/ClusterContract.js';
import type { GatewayPacket } from '../../core/discord/packets.js';
import type { DiscordRefusedError } from '../../core/errors.js';
import type { MemberFetch } from './MemberFetches.js';
import type { KeptPresence } from './Presence.js';

/** The part of a pino logger that the gateway uses. */
export type GatewayLogger = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

/** The permission to send one IDENTIFY. */
export interface Slot {
  /** Called once. `used`: an IDENTIFY was sent with it, and Discord has it or has had the time to get it. */
  release(used: boolean): void;
}

/**
 * What becomes of one dispatch:
 * `handle`: the client updates its cache and calls the listeners; `mute`: only the cache; `skip`: neither. The sequence number
 * moves on in all three cases.
 */
export type DispatchVerdict = 'handle' | 'mute' | 'skip';

export interface GatewayOptions {
  /** From `/gateway/bot`: no request is made for it here. */
  readonly gatewayUrl: string;
  /** Without the prefix `Bot `. */
  readonly token: string;
  /** In any order, contiguous or not. */
  readonly shardIds: readonly number[];
  /** Of the whole bot, not of this process. */
  readonly shardCount: number;
  /** Overrides single values of {@link DEFAULT_TIMINGS}. */
  readonly timings?: Partial<GatewayTimings>;
  /**
   * Asks for a slot, and waits for it. Asked before a socket is opened; RESUME needs none.
   * Where it rejects it is asked again, with growing pauses. `signal` fires when the shard does not need it any more.
   */
  readonly acquireSlot: (shardId: number, signal: AbortSignal) => Promise<Slot>;
  readonly onShardState?: (status: ShardStatus) => void;
  /** Discord says that the session of a shard is gone. */
  readonly onSessionLost?: (shardId: number) => void;
  /** The bot has set a presence, to be kept for a later process, see `Gateway.restorePresence`. */
  readonly onPresence?: (shardId: number, presence: KeptPresence) => void;
  /** The client asks for all members of a guild. Until they are here, a later process is to ask again, see `Gateway.restoreMemberFetches`. */
  readonly onMemberFetch?: (shardId: number, fetch: MemberFetch) => void;
  /** Discord refuses the bot for good while it runs (its token was reset, say). At most once; not for `connect()`, which rejects. */
  readonly onFatal?: (error: DiscordRefusedError) => void;
  /** A shard is still deaf after it was reconnected for that; it goes on trying. `reason` says what it does not hear. */
  readonly onDeaf?: (shardId: number, reason: string) => void;
  /** Asked before the client sees a dispatch; READY and RESUMED are always handled. Default: `handle`. */
  readonly judgeDispatch?: (shardId: number, packet: GatewayPacket) => DispatchVerdict;
  /**
   * Does the work of one dispatch that is handled, READY and RESUMED included. Default: calls `work`.
   *
   * @param text the packet as Discord sent it; empty for READY and RESUMED, and for what Discord did not send.
   */
  readonly runDispatch?: (shardId: number, packet: GatewayPacket, text: string, work: () => void) => void;
  /**
   * A listener beside the client's own: called for every dispatch that is judged `handle`, after the client's listeners and in
   * the same turn of the event loop. The client may have changed the packet.
   */
  readonly onEvent?: (shardId: number, packet: GatewayPacket) => void;
  /**
   * Called after a dispatch was dealt with, whatever its verdict, in the same turn of the event loop. The client may have
   * changed the packet. A packet without `s` is one that READY implied: a GUILD_DELETE for a guild that is not listed any more.
   */
  readonly onDispatch?: (shardId: number, packet: GatewayPacket) => void;
  /**
   * Called before a heartbeat tells Discord what was handled. Discord may forget that then, so that it should be in the store.
   */
  readonly onHeartbeat?: (shardId: number) => void;
}

/** In milliseconds. */
export interface GatewayTimings {
  /** An IDENTIFY counts as seen by Discord this long after it was written, if READY has not shown it before. */
  readonly identifySeenAfterMs: number;
  /** Shortest and longest pause after an invalid session (Discord asks for 1 to 5 s). */
  readonly invalidSessionMinMs: number;
  readonly invalidSessionMaxMs: number;
  /** The second attempt to reconnect waits this long, each further one twice as long up to the maximum. The first waits for nothing. */
  readonly reconnectBaseMs: number;
  readonly reconnectMaxMs: number;
  /** A shard that is in too many guilds is tried again after this long, then after twice as long each time, up to the maximum. */
  readonly overfullBaseMs: number;
  readonly overfullMaxMs: number;
  /** A connection that was ready for less than this and is lost counts as a failed attempt, except for the first such one. */
  readonly stableAfterMs: number;
  /** A connection on which nothing comes for this long before HELLO, or between IDENTIFY or RESUME and their answer, is given up. */
  readonly handshakeTimeoutMs: number;
  /**
   * The unit in which a shard that is connected may hear no event: at least 4 of these, and more where pauses are usual, see
   * {@link SilenceDetector}. Then it resumes on another connection.
   */
  readonly deafAfterMs: number;
  /** A peer that does not answer our close within this is cut off. */
  readonly closeTimeoutMs: number;
}

export const DEFAULT_TIMINGS = {
  identifySeenAfterMs: 250,
  invalidSessionMinMs: 1_000,
  invalidSessionMaxMs: 5_000,
  reconnectBaseMs: 500,
  reconnectMaxMs: 30_000,
  // Each try costs an IDENTIFY, and goes well only when the bot has left guilds.
  overfullBaseMs: 15 * 60_000,
  overfullMaxMs: 6 * 3_600_000,
  stableAfterMs: 5_000,
  handshakeTimeoutMs: 30_000,
  deafAfterMs: 30_000,
  closeTimeoutMs: 1_000,
} as const satisfies GatewayTimings;
