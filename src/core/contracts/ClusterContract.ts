import type { Event, Request } from '../ipc/contract.js';
import type { LogLevel } from '../settings/settings.js';
import type { LoopLag } from '../time/LoopLagMeter.js';
import type { ScheduleDefinition } from '../time/Schedule.js';

/** What the master tells a cluster when it starts. The cluster reads no settings of its own. */
export interface ClusterAssignment {
  readonly token: string;
  /** Without the version, for example `https://discord.com/api`. */
  readonly apiUrl: string;
  /** From `/gateway/bot`, fetched once by the master: no cluster spends a request on it. */
  readonly gatewayUrl: string;
  readonly shardIds: readonly number[];
  readonly shardCount: number;
  readonly clusterCount: number;
  /** Users that may run owner commands. */
  readonly ownerIds: readonly string[];
  readonly logLevel: LogLevel;
  /** How long a cluster that stops may take to finish its work, in milliseconds. Then its process is ended by force. */
  readonly drainTimeoutMs: number;
  /** Absolute path. The cluster keeps its shards' sessions and guilds there. */
  readonly dataDir: string;
  /** A session that was last connected longer ago than this, in milliseconds, is not resumed. */
  readonly resumeWindowMs: number;
  /** How long to serve on without a master, in milliseconds. */
  readonly orphanGraceMs: number;
  /** A shard that ought to hear something and does not for so long, in milliseconds, is reconnected. */
  readonly deafAfterMs: number;
}

/** What Discord keeps for a shard, and what RESUME needs (discord.com/developers/docs/events/gateway#resuming). */
export interface ShardSession {
  readonly shardId: number;
  readonly sessionId: string;
  /** Number of the last dispatch that was handled. */
  readonly seq: number;
  readonly resumeUrl: string;
}

/**
 * `waiting`: it waits for a slot. `failed`: Discord refuses this shard alone, because it would be in too many guilds (4011). It is
 * tried again rarely.
 */
export type ShardState =
  | 'idle'
  | 'waiting'
  | 'connecting'
  | 'ready'
  | 'resuming'
  | 'disconnected'
  | 'released'
  | 'failed';

export interface ShardStatus {
  readonly shardId: number;
  readonly state: ShardState;
  /** From a heartbeat to its ACK, in milliseconds. Null until the first one. */
  readonly latencyMs: number | null;
  readonly guilds: number;
}

/** What a shard has done since its process started. */
export interface ShardCounts {
  /** Dispatches handled. */
  readonly events: number;
  readonly identifies: number;
  readonly resumes: number;
}

/** Upper bounds of {@link RestStats.latency}'s buckets, in milliseconds. */
export const REST_LATENCY_BOUNDS_MS = [25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000] as const;

/** Answers of Discord's REST API since the process started. */
export interface RestStats {
  /** By HTTP status; 429 is a rate limit. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly latency: {
    /** Answers up to each of {@link REST_LATENCY_BOUNDS_MS}, then those beyond the last. Not cumulative. */
    readonly buckets: readonly number[];
    readonly sumMs: number;
  };
}

/** What a cluster hands to its successor when it releases its shards. */
export interface ReleasedShards {
  readonly sessions: readonly ShardSession[];
  /** When the last of its connections was closed, in milliseconds since 1970. */
  readonly releasedAt: number;
  /** What the bot's own code tells its successor, see `ClusterWorkerOptions.saveState`. */
  readonly state?: unknown;
}

/** How a process of a cluster ended. */
export interface ProcessEnd {
  /**
   * `hung`: it was killed because its event loop did not turn. `itself`: it exited, ran out of memory, or crashed. `killed`: a
   * signal from outside ended it, or nobody saw how it ended.
   */
  readonly cause: 'hung' | 'itself' | 'killed';
  /** When, in milliseconds on the machine's monotonic clock. */
  readonly steadyAt: number;
  /** In words. */
  readonly detail: string;
  /** Where its event loop was blocked, as far as that could be seen. */
  readonly stack?: string;
}

/** How one shard came up in a process. */
export interface ShardArrival {
  readonly shardId: number;
  /** `identified`: a new session, which cost one IDENTIFY; `resumed`: none. */
  readonly by: 'identified' | 'resumed';
  /** Events that Discord had kept for it. */
  readonly replayed: number;
  /** From the predecessor's release to the moment when this process serves, in milliseconds. Null without a predecessor. */
  readonly pauseMs: number | null;
}

export interface ClusterStats {
  readonly clusterId: number;
  readonly pid: number;
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  readonly cpuSeconds: number;
  readonly loopLag: LoopLag;
  readonly guilds: number;
  readonly users: number;
  readonly shards: readonly (ShardStatus & ShardCounts)[];
  /** How many shards another process could go on with now, without an IDENTIFY. */
  readonly resumable: number;
  /** Dispatches handled since the process started. */
  readonly events: number;
  readonly commands: number;
  /** Dispatches that were not run again because processes ended while they ran. */
  readonly givenUp: number;
  /** From a command's dispatch to its acknowledged answer, in milliseconds, over the last five minutes. Null without one. */
  readonly commandLatencyMs: { readonly p50: number; readonly p99: number } | null;
  readonly rest: RestStats;
}

export interface GuildSummary {
  readonly id: string;
  readonly name: string;
  readonly memberCount: number;
  readonly channelCount: number;
  readonly ownerId: string;
  readonly shardId: number;
  readonly clusterId: number;
}

export interface UserSummary {
  readonly id: string;
  readonly username: string;
  readonly bot: boolean;
  readonly clusterId: number;
}

export interface ChannelSummary {
  readonly id: string;
  readonly name: string;
  readonly type: number;
  readonly guildId: string;
  readonly clusterId: number;
}

/** The outcome of an `eval` in one target. `output` is the inspected value, or the error where `ok` is false. */
export interface EvalResult {
  readonly target: string;
  readonly ok: boolean;
  readonly output: string;
}

export type EvalTarget = 'all' | 'master' | { readonly clusterId: number };

/** Texts by locale, for users who have chosen that language (discord.com/developers/docs/reference#locales). */
export type Localizations = Readonly<Record<string, string>> | null;

/**
 * One slash command as Discord's API takes it
 * (discord.com/developers/docs/interactions/application-commands#application-command-object). A field that is left out has
 * Discord's default.
 */
export interface CommandDefinition {
  readonly name: string;
  readonly name_localizations?: Localizations;
  readonly description: string;
  readonly description_localizations?: Localizations;
  readonly options?: readonly CommandOptionDefinition[];
  /**
   * Permissions that a member needs, as a bit set in decimal. `'0'`: only admins. A guild's admins can set others. A mention runs
   * no command that has permissions, `contexts` or `nsfw`: Discord does not check them for a mention.
   */
  readonly default_member_permissions?: string | null;
  readonly nsfw?: boolean;
  /** Where it can be used: 0 in guilds, 1 in direct messages with the bot, 2 in other private channels. */
  readonly contexts?: readonly (0 | 1 | 2)[];
  /** For whom: 0 guilds that added the bot, 1 users who did. */
  readonly integration_types?: readonly (0 | 1)[];
}

export interface CommandOptionDefinition {
  /** 3 string, 4 integer, 5 boolean. */
  readonly type: 3 | 4 | 5;
  readonly name: string;
  readonly name_localizations?: Localizations;
  readonly description: string;
  readonly description_localizations?: Localizations;
  readonly required?: boolean;
  readonly choices?: readonly {
    readonly name: string;
    readonly name_localizations?: Localizations;
    readonly value: string;
  }[];
  /** Of an integer. */
  readonly min_value?: number;
  readonly max_value?: number;
  /** Of a string, in characters. */
  readonly min_length?: number;
  readonly max_length?: number;
  /** Whether Discord asks for suggestions while the user types. A listener of the bot answers. */
  readonly autocomplete?: boolean;
}

/** Where the master shows the progress of a restart: an answer of the bot, which outlives the process that sent it. */
export type ProgressTarget =
  | { readonly kind: 'interaction'; readonly applicationId: string; readonly interactionToken: string }
  | { readonly kind: 'message'; readonly channelId: string; readonly messageId: string };

export interface RestartRequest {
  /** Which clusters. Default: all. */
  readonly clusterIds?: readonly number[];
  readonly progress?: ProgressTarget;
  /** Who asked, for the log. */
  readonly requestedBy: string;
}

export interface FleetStats {
  readonly shardCount: number;
  readonly masterPid: number;
  readonly masterRssBytes: number;
  readonly masterUptimeMs: number;
  /** IDENTIFYs left in Discord's window, as far as the master knows. */
  readonly identifiesRemaining: number | null;
  readonly clusters: readonly ({ readonly clusterId: number; readonly error: string } | ClusterStats)[];
}

/** One job of a bot. */
export interface JobDefinition {
  readonly name: string;
  readonly schedule: ScheduleDefinition;
  /** `drop`: a run whose process ends is not done again. */
  readonly onCrash: 'again' | 'drop';
}

/** One run of a job. `dueAt`, in milliseconds since 1970, tells it from the job's other runs. */
export interface JobRunId {
  readonly name: string;
  readonly dueAt: number;
  /** How often it has begun, from 1. */
  readonly attempt: number;
}

/** `interrupted`: the process stops, and the run went on. */
export interface JobRunEnd extends JobRunId {
  readonly outcome: 'done' | 'failed' | 'interrupted';
}

/** What a cluster tells a master that does not know it yet. */
export interface JobDeclaration {
  /** How long its process has run, in milliseconds. Of two definitions of a job, that of the younger process is the newer one. */
  readonly ageMs: number;
  readonly jobs: readonly JobDefinition[];
  readonly running: readonly JobRunId[];
  /** Runs that ended, of which no master has confirmed that it knows. */
  readonly ended: readonly JobRunEnd[];
}

/** Every message between a cluster and the master. */
export type ClusterContract = {
  toMaster: {
    /** The first request of a new cluster. */
    getAssignment: Request<undefined, ClusterAssignment>;
    /** Waits in the identify queue. The reply is a slot: the permission to send one IDENTIFY now. */
    acquireSlot: Request<{ shardId: number }, { slotId: string }>;
    /** `used`: an IDENTIFY was sent, or may have been. */
    releaseSlot: Event<{ slotId: string; used: boolean }>;
    /**
     * A cluster asks inside its `start()`, when it is prepared. The master has the predecessor, if there is one, release its
     * shards, and replies with what that said. From the reply on the shards are the asker's.
     */
    acquireShards: Request<undefined, ReleasedShards | null>;
    /** How a process that had some of the asker's shards ended. Null where the master has not seen it. */
    getProcessEnd: Request<{ pid: number }, ProcessEnd | null>;
    /** How all shards came up. Sent before `ready`. */
    shardsArrived: Event<readonly ShardArrival[]>;
    shardStateChanged: Event<ShardStatus>;
    /** A shard hears nothing, and a reconnect has not helped. It goes on trying, and sends this again. */
    shardDeaf: Event<{ shardId: number; reason: string }>;
    /** Sent before `ready`, and to each new master. Replies when it is written down. */
    declareJobs: Request<JobDeclaration, undefined>;
    /** A run of a job has ended. Replies when that is written down. */
    jobRunEnded: Request<JobRunEnd, undefined>;
    /** Discord refuses the bot for good while it runs: its token was reset, for example. No retry can help. */
    discordRefused: Event<{ message: string }>;
    findGuild: Request<{ guildId: string }, GuildSummary | null>;
    findUser: Request<{ userId: string }, UserSummary | null>;
    findChannel: Request<{ channelId: string }, ChannelSummary | null>;
    evaluate: Request<{ code: string; target: EvalTarget }, readonly EvalResult[]>;
    getFleetStats: Request<undefined, FleetStats>;
    /** Replies when the restart has begun. Its progress goes to `progress`. */
    restart: Request<RestartRequest, { clusterIds: readonly number[] }>;
    setLogLevel: Request<{ level: LogLevel }, undefined>;
  };
  toWorker: {
    /**
     * Closes every shard so that its session can be resumed, and replies with the sessions. The process lives on until it is
     * stopped. One that replies with an error keeps its shards.
     */
    releaseShards: Request<undefined, ReleasedShards>;
    /** The successor failed: takes the shards back, if it has released them. Replies when they are its own again. */
    adoptShards: Request<undefined, undefined>;
    describeCommands: Request<undefined, readonly CommandDefinition[]>;
    /** Replies when the run has begun. Its end comes as `jobRunEnded`. */
    runJob: Request<JobRunId, undefined>;
    getStats: Request<undefined, ClusterStats>;
    findGuild: Request<{ guildId: string }, GuildSummary | null>;
    findUser: Request<{ userId: string }, UserSummary | null>;
    findChannel: Request<{ channelId: string }, ChannelSummary | null>;
    evaluate: Request<{ code: string }, EvalResult>;
    setLogLevel: Request<{ level: LogLevel }, undefined>;
  };
};
