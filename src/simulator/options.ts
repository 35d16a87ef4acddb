import { secretToken } from './gateway/Credentials.js';
import type { RateLimitRule } from './rest/RateLimiter.js';

/** How many of each thing a seeded guild has. Members include the bot; presences are among the members. */
export interface GuildShape {
  channels: number;
  roles: number;
  members: number;
  threads: number;
  emojis: number;
  presences: number;
}

export interface SessionStartLimit {
  /** IDENTIFYs per window. Default 1000. */
  total: number;
  /** IDENTIFYs left in the current window. Default: total. */
  remaining: number;
  /** Until `remaining` is `total` again, in ms. Default 24 h. */
  resetAfterMs: number;
}

/** Settings of a {@link Simulator}. All have defaults; without any it is as strict as Discord, only smaller. */
export interface SimulatorOptions {
  /** Bot token that is accepted. Default: a random one that is obviously fake. */
  token?: string;
  /**
   * Whether another process may run it by HTTP, under `/simulator`, with {@link Simulator.controlToken}. Default false: there
   * are no such routes.
   */
  control?: boolean;
  /** Loopback address to listen on. Default 127.0.0.1; anything that is not loopback is refused. */
  host?: string;
  /** Port, 0 = any free. Default 0. */
  port?: number;
  /** Guilds the bot is in at the start. Default 16. */
  guildCount?: number;
  /** `shards` in GET /gateway/bot. Default 1. */
  shardCount?: number;
  guildShape?: Partial<GuildShape>;
  /** `max_concurrency`: how many identify keys there are. Default 1. */
  maxConcurrency?: number;
  /** One IDENTIFY per key in this window, in ms. Default 5000, as Discord. */
  identifyIntervalMs?: number;
  sessionStartLimit?: Partial<SessionStartLimit>;
  /** Default 41250, as Discord. A connection silent for 1.5 of it is closed with 4000. */
  heartbeatIntervalMs?: number;
  /** How long a session lives without a socket, in ms. Default 180 000. */
  resumeWindowMs?: number;
  /** Events a session keeps for replay; a RESUME from before them is refused. Default 10 000. */
  replayBufferEvents?: number;
  /**
   * Whether a heartbeat's sequence number frees the events up to it from the replay buffer. Default false: Discord does not
   * document it either way; set it to see how a client fares if it does.
   */
  trimReplayOnHeartbeat?: boolean;
  /** Waits this long before READY, in ms. Default 0. */
  readyDelayMs?: number;
  /** Time to acknowledge an interaction, in ms. Default 3000, as Discord. */
  interactionDeadlineMs?: number;
  /** How long an interaction's token works for followups and edits, in ms. Default 15 min, as Discord. */
  interactionTokenLifetimeMs?: number;
  /** Seed of the guilds' contents and of {@link Traffic}. Default 1. */
  seed?: number;
  /** Privileged intents that "the developer portal" allows, as bits. Default: all three. */
  allowedPrivilegedIntents?: number;
  /** REST requests a second over all routes. Default 50, as Discord; Infinity switches it off. */
  globalRequestsPerSecond?: number;
  /** Overrides per route, e.g. `{ 'POST /channels/:channelId/messages': { limit: 1, windowMs: 1000 } }`; false switches all off. */
  rateLimits?: Record<string, RateLimitRule> | false;
  /** 401, 403 and 429 answers in 10 minutes until the address is banned. Default 10 000, as Discord. */
  invalidRequestLimit?: number;
  /** Users that own the application; more than one make a team. Default: one. Their ids are random. */
  ownerCount?: number;
  /** Settled interactions and messages of which the account keeps the whole story; older ones remain as counts. Default 20 000. */
  accountLimit?: number;
}

export type ResolvedOptions = Required<Omit<SimulatorOptions, 'guildShape' | 'sessionStartLimit'>> & {
  guildShape: GuildShape;
  sessionStartLimit: SessionStartLimit;
};

export const DEFAULT_OPTIONS = {
  control: false,
  host: '127.0.0.1',
  port: 0,
  guildCount: 16,
  shardCount: 1,
  guildShape: { channels: 6, roles: 4, members: 8, threads: 1, emojis: 2, presences: 2 },
  maxConcurrency: 1,
  identifyIntervalMs: 5000,
  sessionStartLimit: { total: 1000, remaining: 1000, resetAfterMs: 86_400_000 },
  heartbeatIntervalMs: 41_250,
  resumeWindowMs: 180_000,
  replayBufferEvents: 10_000,
  trimReplayOnHeartbeat: false,
  readyDelayMs: 0,
  interactionDeadlineMs: 3000,
  interactionTokenLifetimeMs: 900_000,
  seed: 1,
  allowedPrivilegedIntents: (1 << 1) | (1 << 8) | (1 << 15),
  globalRequestsPerSecond: 50,
  rateLimits: {},
  invalidRequestLimit: 10_000,
  ownerCount: 1,
  accountLimit: 20_000,
} as const satisfies Omit<ResolvedOptions, 'token'>;

const LOOPBACK = new Set(['127.0.0.1', '::1', 'localhost']);

/** Fills in the defaults. Throws a RangeError that names the option on a value that makes no sense. */
export function resolveOptions(options: SimulatorOptions): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const limit = { ...DEFAULT_OPTIONS.sessionStartLimit, ...options.sessionStartLimit };
  if (options.sessionStartLimit?.total !== undefined && options.sessionStartLimit.remaining === undefined) {
    limit.remaining = limit.total;
  }
  const resolved: ResolvedOptions = {
    ...DEFAULT_OPTIONS,
    // Who has the token is the bot. It looks like one to every library, and like nothing to a human.
    token: `local-discord.not-a-real-token.${secretToken()}`,
    ...given,
    guildShape: { ...DEFAULT_OPTIONS.guildShape, ...options.guildShape },
    sessionStartLimit: limit,
  };
  if (!LOOPBACK.has(resolved.host)) throw new RangeError(`host must be a loopback address, not "${resolved.host}"`);
  if (resolved.token === '') throw new RangeError('token must not be empty');
  for (const [name, min] of [
    ['guildCount', 0],
    ['shardCount', 1],
    ['maxConcurrency', 1],
    ['identifyIntervalMs', 0],
    ['heartbeatIntervalMs', 1],
    ['resumeWindowMs', 0],
    ['replayBufferEvents', 0],
    ['interactionDeadlineMs', 1],
    ['ownerCount', 1],
  ] as const) {
    const value = resolved[name];
    if (!Number.isFinite(value) || value < min) throw new RangeError(`${name} must be at least ${min}, not ${value}`);
  }
  return resolved;
}
