import type { LogLevel } from '../settings/settings.js';
import type { LoopLag } from '../time/LoopLagMeter.js';
import type {
  ChannelSummary,
  EvalResult,
  EvalTarget,
  GuildSummary,
  ShardArrival,
  ShardState,
  UserSummary,
} from './ClusterContract.js';

/*
 * The master's admin API: JSON over HTTP, for the status page, the command line and programs of others.
 *
 * - DATA_DIR/admin.json (`AdminAddress`) says where it listens, as long as the master runs.
 * - `/healthz` and `/readyz` are open. Everything else needs the token (ADMIN_TOKEN, or the content of DATA_DIR/admin-token):
 *   `Authorization: Bearer <token>`, or the cookie that `POST /api/login` sets. The page's own files are open too: they hold
 *   no data.
 * - An error is an `AdminFailure` with one of the codes of docs/errors.md, and the status that fits it: 400 INVALID_REQUEST,
 *   401 UNAUTHORIZED, 403 FORBIDDEN_ORIGIN or EVAL_DISABLED, 404 NOT_FOUND, 409 RESTART_IN_PROGRESS or IDENTIFY_BUDGET_SPENT,
 *   413 and 415 INVALID_REQUEST, 429 RATE_LIMITED (with `Retry-After`), 503 if a cluster that is needed does not run
 *   (WORKER_NOT_FOUND, WORKER_EXITED, REQUEST_TIMEOUT ...), 500 for the rest.
 * - Bodies are JSON of at most 64 kB. Times are milliseconds since 1970. A number that nobody knows (yet) is null.
 */

/** Every endpoint that answers JSON: what it takes and what it answers. */
export type AdminApi = {
  /** Always 200: the process serves. */
  'GET /healthz': Endpoint<{ reply: { readonly status: 'ok' } }>;
  /** 200 if every cluster is ready. Otherwise 503 with the same body, which says which are not. */
  'GET /readyz': Endpoint<{ reply: Readiness }>;
  'GET /api/status': Endpoint<{ reply: AdminStatus }>;
  /** At most the last `lines` (default 200, at most 1000), those of the process before the present one included. */
  'GET /api/clusters/:id/logs': Endpoint<{ query: { lines?: number }; reply: { readonly lines: readonly LogLine[] } }>;
  /** Lines of the master and all clusters, by time. */
  'GET /api/logs': Endpoint<{ query: { lines?: number }; reply: { readonly lines: readonly LogLine[] } }>;
  /** Null if every cluster looked and none has it. */
  'GET /api/find/guild/:id': Endpoint<{ reply: { readonly guild: GuildSummary | null } }>;
  'GET /api/find/user/:id': Endpoint<{ reply: { readonly user: UserSummary | null } }>;
  'GET /api/find/channel/:id': Endpoint<{ reply: { readonly channel: ChannelSummary | null } }>;
  /** 202: it has begun. `AdminStatus.restart` and the event `restart` show its progress, under the same `id`. */
  'POST /api/restart': Endpoint<{
    body: { readonly clusterIds?: readonly number[] };
    reply: { readonly id: string; readonly clusterIds: readonly number[] };
  }>;
  /** Refused (EVAL_DISABLED) unless ADMIN_EVAL=on. What the code throws is a result with `ok: false`, not a failure. */
  'POST /api/eval': Endpoint<{
    body: { readonly code: string; readonly target: EvalTarget };
    reply: { readonly results: readonly EvalResult[] };
  }>;
  /** Sets the level of one cluster; without `clusterId`, of the master and all clusters. It lasts until the process ends. */
  'POST /api/loglevel': Endpoint<{
    body: { readonly level: LogLevel; readonly clusterId?: number };
    reply: { readonly level: LogLevel; readonly clusterIds: readonly number[] };
  }>;
  /** 202: the whole bot stops, as by SIGTERM. */
  'POST /api/stop': Endpoint<{ body: Record<string, never>; reply: { readonly status: 'stopping' } }>;
  /** Sets the cookie `kallisti_session_<port>` (HttpOnly, SameSite=Strict). For browsers; programs send the token itself. */
  'POST /api/login': Endpoint<{ body: { readonly token: string }; reply: { readonly expiresAt: number } }>;
  /** Ends the login of the cookie, if there is one. */
  'POST /api/logout': Endpoint<{ body: Record<string, never>; reply: { readonly status: 'ok' } }>;
};

/**
 * The events of `GET /api/events` (text/event-stream), by their name; `data` is JSON.
 *
 * With the query `logs=<cluster id>`, `logs=master` or `logs=all` it also sends log lines, the last 100 first. A viewer that reads
 * too slowly misses states in between. One that does not read at all is cut off.
 */
export type AdminEvents = {
  /** At once, then about once a second while anybody looks. */
  status: LiveStatus;
  /** Once, after the first `status`. */
  history: StatusHistory;
  /** A new sample for the history, each `StatusHistory.stepMs`. */
  sample: HistorySample;
  /** At each step of the restart that is under way, its end included. */
  restart: RestartStatus;
  /** In the order in which they were printed. */
  logs: readonly LogLine[];
  /** The master stops; the stream ends next. */
  stopping: Record<string, never>;
};

export interface AdminFailure {
  readonly error: {
    /** One of docs/errors.md. */
    readonly code: string;
    /** One line for a person, without secrets. */
    readonly message: string;
    /** Whether the same request may succeed later although nobody has changed anything. */
    readonly retryable: boolean;
  };
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, in words; null when ready. */
  readonly reason: string | null;
  /** Clusters that are not ready. */
  readonly notReady: readonly { readonly clusterId: number; readonly state: ClusterState }[];
}

/** The status of everything, with the last hour. */
export interface AdminStatus extends LiveStatus {
  readonly history: StatusHistory;
}

export interface LiveStatus {
  /** When the numbers were collected: at most a second ago while anybody looks. */
  readonly at: number;
  /** `starting`: no cluster has been spawned yet, for example because Discord has not answered; `clusters` is empty then. */
  readonly phase: 'starting' | 'running' | 'stopping';
  readonly shardCount: number;
  readonly master: MasterStatus;
  /** All that there should be, by id, whether they run or not. */
  readonly clusters: readonly ClusterStatus[];
  readonly totals: FleetTotals;
  /** Null in phase `starting`. */
  readonly spares: SpareStatus | null;
  /** Null in phase `starting`. */
  readonly identify: IdentifyStatus | null;
  /** The restart that is under way, or the last one since the master started; null before the first. */
  readonly restart: RestartStatus | null;
}

export interface MasterStatus {
  readonly pid: number;
  readonly version: string;
  readonly nodeVersion: string;
  readonly uptimeMs: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Over the last 10 to 20 seconds. */
  readonly loopLag: LoopLag;
  readonly logLevel: LogLevel;
  /** Whether it runs against the local Discord, without a token. */
  readonly localDiscord: boolean;
  /** ADMIN_EVAL=on. */
  readonly evalEnabled: boolean;
}

/**
 * - `starting`: its process comes up. `waiting`: the same, and shards of it wait for a slot to identify.
 * - `ready`: it serves, also while a successor is prepared (`ClusterStatus.successor`).
 * - `draining`: it is being stopped.
 * - `crashed`: it has no process; the next is spawned at `retryAt`.
 * - `failed`: it crashed too often; it is tried again at `retryAt`, minutes from now.
 */
export type ClusterState = 'starting' | 'waiting' | 'ready' | 'draining' | 'crashed' | 'failed';

export interface ClusterStatus {
  readonly clusterId: number;
  readonly state: ClusterState;
  /** Why the numbers below are missing or old, in words (it crashed, it does not answer); null: they are fresh. */
  readonly problem: string | null;
  /** When the supervisor spawns the next process; null: it need not, or it is not known. */
  readonly retryAt: number | null;
  readonly pid: number | null;
  /** Number of this process among those of the cluster, from 1. */
  readonly generation: number;
  /** A new process that will take over while this one serves. */
  readonly successor: {
    readonly pid: number | null;
    readonly generation: number;
    readonly state: 'starting' | 'waiting';
  } | null;
  readonly uptimeMs: number | null;
  readonly rssBytes: number | null;
  readonly heapBytes: number | null;
  readonly loopLag: LoopLag | null;
  readonly guilds: number | null;
  readonly users: number | null;
  /** Since its process started. */
  readonly events: number | null;
  readonly commands: number | null;
  /** Between the last two reports of the cluster. */
  readonly eventsPerSecond: number | null;
  readonly commandsPerSecond: number | null;
  /** From a command's dispatch to its acknowledged answer, over the last five minutes; null: none was answered in them. */
  readonly commandLatencyMs: { readonly p50: number; readonly p99: number } | null;
  /** Shards that another process could take over now without an IDENTIFY. */
  readonly resumable: number | null;
  readonly shards: readonly ShardOverview[];
  readonly restarts: ClusterRestarts;
}

export interface ShardOverview {
  readonly shardId: number;
  /** Also `idle` if its cluster has no process. */
  readonly state: ShardState;
  readonly latencyMs: number | null;
  readonly guilds: number;
  /** How it last came up. `pauseMs` is how long a handover kept it away. */
  readonly lastArrival: (Omit<ShardArrival, 'shardId'> & { readonly at: number }) | null;
}

/**
 * - `crash`: the process ended by itself, or was killed from outside.
 * - `failedStart`: it did not become ready.
 * - `hung`: it answered no more, and the master killed it.
 * - `deaf`: replaced, because one of its shards heard nothing from Discord and a reconnect did not help.
 * - `memory`: replaced before it ran out of memory.
 * - `operator`: somebody asked for it.
 */
export type RestartCause = 'crash' | 'failedStart' | 'hung' | 'deaf' | 'memory' | 'operator';

export interface ClusterRestarts {
  /** Since the master started. */
  readonly count: number;
  /** The last 10, newest first. */
  readonly recent: readonly RestartRecord[];
}

export interface RestartRecord {
  readonly at: number;
  readonly cause: RestartCause;
  /** In words, for example `was killed by SIGKILL`. */
  readonly reason: string;
}

/** Processes that have loaded the bot's program and wait. They are no clusters, and have no shards. */
export interface SpareStatus {
  /** How many there should be: fewer in a restart that needs no more. */
  readonly wanted: number;
  /** They can take a cluster's place now. */
  readonly ready: number;
  readonly loading: number;
  /** Memory of those that are ready. */
  readonly rssBytes: number;
}

/** Sums over the clusters that answered. */
export interface FleetTotals {
  readonly clustersReady: number;
  readonly shardsReady: number;
  readonly guilds: number;
  readonly users: number;
  readonly events: number;
  readonly commands: number;
  readonly eventsPerSecond: number;
  readonly commandsPerSecond: number;
  /** Memory of the master, its clusters and its spares. */
  readonly rssBytes: number;
  /** Median of the clusters' medians, and the worst of their 99th percentiles. */
  readonly commandLatencyMs: { readonly p50: number; readonly p99: number } | null;
  /** Mean over the shards that know theirs. */
  readonly shardLatencyMs: number | null;
}

/** Discord's budget of IDENTIFYs, and the shards that wait for a slot. */
export interface IdentifyStatus {
  /** Null until somebody needs Discord's new number. */
  readonly remaining: number | null;
  readonly total: number;
  /** IDENTIFYs kept back from planned restarts. */
  readonly reserve: number;
  readonly resetAt: number | null;
  readonly maxConcurrency: number;
  /** Shards that wait for a slot, in the order in which they will get it. */
  readonly waiting: readonly number[];
  /** Slots that are out: each is the permission to send one IDENTIFY. */
  readonly slots: readonly { readonly shardId: number; readonly holder: string }[];
  /** Whom the budget holds up, because all of it is spent. */
  readonly heldUp: { readonly until: number | null; readonly shardIds: readonly number[] } | null;
}

export interface RestartStatus {
  readonly id: string;
  readonly startedAt: number;
  readonly requestedBy: string;
  /** `rolling`: it goes on. `stopped`: the master stops. */
  readonly outcome: 'rolling' | 'done' | 'failed' | 'stopped';
  readonly durationMs: number;
  /** In the order in which they are replaced. */
  readonly clusters: readonly ClusterProgress[];
}

export interface ClusterProgress {
  readonly clusterId: number;
  readonly state: 'waiting' | 'replacing' | 'checking' | 'replaced' | 'failed' | 'skipped';
  /** How long its replacement took; null before its end. */
  readonly durationMs: number | null;
  /** Why it failed or was skipped. */
  readonly reason: string | null;
  /** How its shards came up in the new process, with the pause of each; empty before that. */
  readonly arrivals: readonly ShardArrival[];
}

/** The last hour, oldest first. Every array has one number for each sample. */
export interface StatusHistory {
  readonly stepMs: number;
  readonly at: readonly number[];
  readonly guilds: readonly number[];
  readonly shardsReady: readonly number[];
  readonly eventsPerSecond: readonly number[];
  readonly commandsPerSecond: readonly number[];
  readonly commandP50Ms: readonly (number | null)[];
  readonly commandP99Ms: readonly (number | null)[];
  readonly shardLatencyMs: readonly (number | null)[];
  readonly rssBytes: readonly number[];
}

/** One sample of the {@link StatusHistory}. */
export type HistorySample = {
  readonly [Field in Exclude<keyof StatusHistory, 'stepMs'>]: StatusHistory[Field][number];
};

export interface LogLine {
  /** Null: the master's own. */
  readonly clusterId: number | null;
  readonly time: number;
  readonly level: Exclude<LogLevel, 'silent'>;
  /** As a person reads it, without colours and secrets. A stack makes it several lines. */
  readonly text: string;
}

interface Endpoint<Parts extends { query?: object; body?: object; reply: unknown }> {
  readonly query: Parts extends { query: infer Query } ? Query : Record<string, never>;
  readonly body: Parts extends { body: infer Body } ? Body : undefined;
  readonly reply: Parts['reply'];
}
