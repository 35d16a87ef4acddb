/**
 * The account holds plain data that survives JSON. Times are milliseconds since the epoch on a monotonic clock. `null` means
 * that it has not happened.
 */

/** An event as it went to one session. `connectionId` is null if the session had no socket; a RESUME replays the event. */
export interface Delivery {
  at: number;
  sessionId: string;
  connectionId: string | null;
  shardId: number;
  shardCount: number;
  seq: number;
  replay: boolean;
}

export type ResponseKind = 'callback' | 'editOriginal' | 'followup' | 'editFollowup' | 'delete';

/** One REST request about an interaction. `code` is Discord's error code if the request was refused. */
export interface ResponseEntry {
  at: number;
  kind: ResponseKind;
  type: number | null;
  content: string | null;
  ephemeral: boolean;
  body: unknown;
  accepted: boolean;
  code: number | null;
}

export type InteractionState = 'waiting' | 'acknowledged' | 'answered' | 'failed';

export interface InteractionEntry {
  id: string;
  token: string;
  name: string;
  options: Record<string, string | number | boolean>;
  guildId: string;
  channelId: string;
  userId: string;
  /** Shard of the first session that got it. Null if no session had the guild. */
  shardId: number | null;
  /** waiting -> acknowledged -> answered, or waiting -> failed if nobody acknowledged it in time. */
  state: InteractionState;
  createdAt: number;
  deliveries: Delivery[];
  acknowledgedAt: number | null;
  /** When the user saw a message, an update or a modal. If it was deferred: when the first edit or followup came. */
  answeredAt: number | null;
  failedAt: number | null;
  responses: ResponseEntry[];
  /** Acknowledgements refused with 40060, because somebody had acknowledged it before. */
  doubleAcknowledgements: number;
  /** Acknowledgements refused with 10062, because they came too late. */
  lateAcknowledgements: number;
}

export interface MessageEntry {
  id: string;
  guildId: string | null;
  channelId: string;
  userId: string;
  content: string;
  mentionsBot: boolean;
  createdAt: number;
  deliveries: Delivery[];
  /** Messages of the bot that reply to this one. */
  replies: { id: string; at: number; content: string }[];
}

export interface ConnectionEntry {
  id: string;
  openedAt: number;
  /** `main` for the URL of GET /gateway/bot, `resume` for `resume_gateway_url`. */
  url: 'main' | 'resume';
  query: string;
  shardId: number | null;
  shardCount: number | null;
  sessionId: string | null;
  identifiedAt: number | null;
  resumedAt: number | null;
  closedAt: number | null;
  closeCode: number | null;
  closeReason: string | null;
  closedBy: 'client' | 'server' | null;
  /** Number of payloads that the client sent. */
  received: number;
}

export interface IdentifyEntry {
  at: number;
  connectionId: string;
  shardId: number;
  shardCount: number;
  /** `shard_id % max_concurrency` */
  key: number;
  tokenOk: boolean;
  accepted: boolean;
  /** Why it was refused. Null if it was not. */
  reason: string | null;
  /** Milliseconds since the last IDENTIFY of the same key, as the server saw it. Null for the first one. */
  sinceLastOfKeyMs: number | null;
  /** Session starts that are left after it. */
  remaining: number;
}

export interface ResumeEntry {
  at: number;
  connectionId: string;
  sessionId: string;
  shardId: number | null;
  shardCount: number | null;
  seq: number;
  ok: boolean;
  reason: string | null;
  replayed: number;
  /** Whether the client connected to `resume_gateway_url`, as it should. */
  atResumeUrl: boolean;
  /** Whether the session's old socket was still open, so that the gateway had to close it. */
  tookOver: boolean;
}

/** A time in which one connection had a session on a shard. */
export interface Ownership {
  shardId: number;
  shardCount: number;
  connectionId: string;
  sessionId: string;
  from: number;
  to: number | null;
}

export type ViolationKind =
  | 'identifyTooEarly'
  | 'identifyOnInvalidatedConnection'
  | 'tokenReset'
  | 'wrongToken'
  | 'sendRateLimit'
  | 'payloadTooLarge'
  | 'malformedPayload'
  | 'unknownOpcode'
  | 'notAuthenticated'
  | 'alreadyAuthenticated'
  | 'invalidShard'
  | 'shardingRequired'
  | 'invalidVersion'
  | 'invalidIntents'
  | 'disallowedIntents'
  | 'unsupportedEncoding'
  | 'heartbeatLate'
  | 'heartbeatSequenceUnknown'
  | 'resumeSequenceUnknown'
  | 'resumeWithOtherEncoding'
  | 'membersWithoutIntent'
  | 'doubleAcknowledgement'
  | 'lateAcknowledgement'
  | 'invalidRequestBan'
  | 'unauthorizedRequest';

/** A breach of Discord's rules that the simulator saw. `detail` describes it in words. */
export interface Violation {
  at: number;
  kind: ViolationKind;
  detail: string;
  shardId: number | null;
  connectionId: string | null;
}

export interface RestCounts {
  requests: number;
  /** Answers with 401, 403 or 429. They count toward the ban. */
  invalid: number;
  rateLimited: number;
  globallyRateLimited: number;
  byStatus: Record<string, number>;
  byRoute: Record<string, number>;
}

export interface Latency {
  p50: number | null;
  p99: number | null;
  max: number | null;
}

export interface Tally {
  sent: number;
  /** How many reached at least one session. */
  delivered: number;
  answered: number;
  answeredOnce: number;
  /** Commands that somebody tried to acknowledge twice. Mentions with two replies or more. */
  answeredTwice: number;
  /** Commands that nobody acknowledged before the deadline. Mentions without a reply for that long. */
  failed: number;
  /** How many neither were answered nor failed yet. */
  pending: number;
  latencyMs: Latency;
}

export interface Summary {
  commands: Tally;
  mentions: Tally;
  messages: number;
  identifies: number;
  identifiesRefused: number;
  resumes: number;
  resumesRefused: number;
  eventsReplayed: number;
  /** Resumes that closed an open socket: two processes had the session for a moment. */
  takeovers: number;
  /** Pairs of connections that had a session of the same shard `[id, count]` at the same time. */
  overlaps: number;
  connectionsOpen: number;
  connectionsTotal: number;
  violations: number;
  violationsByKind: Partial<Record<ViolationKind, number>>;
  sessionStartsRemaining: number;
  rest: RestCounts;
}
