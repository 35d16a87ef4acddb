import { secretToken } from './gateway/Credentials.js';

/** How many of each thing a seeded guild has. Members include the bot. Presences are those of members. */
export interface GuildShape {
  channels: number;
  roles: number;
  members: number;
  threads: number;
  emojis: number;
  presences: number;
}

export interface RateLimitRule {
  /** Requests per window. */
  limit: number;
  windowMs: number;
}

export interface SessionStartLimit {
  /** IDENTIFYs per window. Default: 1000. */
  total: number;
  /** IDENTIFYs that are left in the current window. Default: total. */
  remaining: number;
  /** Milliseconds until `remaining` is `total` again. Default: 24 h. */
  resetAfterMs: number;
}

/** Settings of a {@link Simulator}. With the defaults it is as strict as Discord, only smaller. */
export interface SimulatorOptions {
  /** The bot token. Default: a random one that is obviously fake. */
  token?: string;
  /**
   * Whether another process may control it by HTTP, under `/simulator` and with {@link Simulator.controlToken}. Default: false,
   * and there are no such routes.
   */
  control?: boolean;
  /** The loopback address to listen on. Any other address is a RangeError. Default: 127.0.0.1. */
  host?: string;
  /** The port to listen on. 0 takes any free one. Default: 0. */
  port?: number;
  /** How many guilds the bot is in at the start. Default: 16. */
  guildCount?: number;
  /** The `shards` of GET /gateway/bot. Default: 1. */
  shardCount?: number;
  /** Default: 6 channels, 4 roles, 8 members, 1 thread, 2 emojis, 2 presences. */
  guildShape?: Partial<GuildShape>;
  /** `max_concurrency`, the number of identify keys. Default: 1. */
  maxConcurrency?: number;
  /** Each key allows one IDENTIFY in this many milliseconds. Default: 5000, as at Discord. */
  identifyIntervalMs?: number;
  sessionStartLimit?: Partial<SessionStartLimit>;
  /** In ms. A connection without heartbeat for 1.5 of it is closed with 4000. Default: 41 250, as at Discord. */
  heartbeatIntervalMs?: number;
  /** How long a session lives without a socket, in ms. Default: 180 000. */
  resumeWindowMs?: number;
  /** How many events a session keeps for replay. A RESUME from before them is refused. Default: 10 000. */
  replayBufferEvents?: number;
  /**
   * Whether a heartbeat makes its session forget the events up to the heartbeat's sequence number. Default: false. Discord
   * documents neither, so a test should try both.
   */
  trimReplayOnHeartbeat?: boolean;
  /** How late READY comes, in ms. Default: 0. */
  readyDelayMs?: number;
  /** How long a bot may take to acknowledge an interaction, in ms. Default: 3000, as at Discord. */
  interactionDeadlineMs?: number;
  /** How long an interaction's token is valid for followups and edits, in ms. Default: 15 min, as at Discord. */
  interactionTokenLifetimeMs?: number;
  /** The seed of the guilds and of {@link Traffic}. Default: 1. */
  seed?: number;
  /** The privileged intents that "the developer portal" allows, as bits. Default: all three. */
  allowedPrivilegedIntents?: number;
  /** How many REST requests a second are allowed over all routes. Infinity is no limit. Default: 50, as at Discord. */
  globalRequestsPerSecond?: number;
  /** Limits of routes, e.g. `{ 'POST /channels/:channelId/messages': { limit: 1, windowMs: 1000 } }`. False is no limits. */
  rateLimits?: Record<string, RateLimitRule> | false;
  /** How many answers with 401, 403 or 429 in 10 minutes are allowed before a ban. Default: 10 000, as at Discord. */
  invalidRequestLimit?: number;
  /** How many users own the application. Several are a team. Their ids are random. Default: 1. */
  ownerCount?: number;
  /** How many settled interactions and messages the account keeps whole. It only counts older ones. Default: 20 000. */
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

/** Fills in the defaults. Throws a RangeError that names the option if a value makes no sense. */
export function resolveOptions(options: SimulatorOptions): ResolvedOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const limit = { ...DEFAULT_OPTIONS.sessionStartLimit, ...options.sessionStartLimit };
  if (options.sessionStartLimit?.total !== undefined && options.sessionStartLimit.remaining === undefined) {
    limit.remaining = limit.total;
  }
  const resolved: ResolvedOptions = {
    ...DEFAULT_OPTIONS,
    // Whoever has the token is the bot. To a library it looks like a token, to a human like none.
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
