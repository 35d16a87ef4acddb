import type { SimulatorOptions, Summary, TrafficOptions } from 'kallisti/simulator';

/** What became of what users did in a span of time. */
export interface Outcome {
  readonly commands: number;
  /** Not acknowledged within Discord's three seconds. */
  readonly commandsFailed: number;
  readonly commandsTwice: number;
  readonly mentions: number;
  readonly mentionsUnanswered: number;
  readonly mentionsTwice: number;
  /** The longest that a user waited for the answer to a command. */
  readonly longestWaitMs: number;
}

/** A shard that came to another connection by RESUME. */
export interface Passage {
  readonly shardId: number;
  /** From the delivery of the last event that the old connection handled to that of the first on the new one. */
  readonly pauseMs: number;
}

/** A shard whose session Discord ended, and when the process that had it was killed. */
export interface LostSession {
  readonly shardId: number;
  readonly killedAt: number;
}

/** What became of what users asked a listener of the bot's own. */
export interface Thoughts {
  readonly asked: number;
  /** Never answered. What reached no process because Discord had ended the session does not count. */
  readonly lost: number;
  /** Those that reached no process. */
  readonly neverBegun: number;
  readonly twice: number;
  readonly longestWaitMs: number;
  /** How long before the kill each lost message of a session that Discord ended was delivered. */
  readonly lostBeforeKillMs: readonly number[];
}

/** What the process of the local Discord can be asked for. */
export interface DiscordMethods {
  setTraffic(options: TrafficOptions): void;
  /** Stops the traffic, and waits until everything is answered or has failed. */
  settle(): Promise<Summary>;
  summary(): Summary;
  /** Of these shards only, where some are named. */
  outcomeSince(at: number, shardIds?: readonly number[]): Outcome;
  /** Users who ask the bot to think, so many a second. */
  startThinkers(perSecond: number): void;
  /** Resolves when everybody is answered, or nobody has been for a while. */
  stopThinkers(lostSessions: readonly LostSession[]): Promise<Thoughts>;
  /** A user's message in the first guild of this shard. */
  say(shardId: number, content: string): void;
  /** Answers the next RESUME of each of these shards with op 9. */
  refuseResume(shardIds: readonly number[]): void;
  passagesSince(at: number): readonly Passage[];
  /** By shard: when the first command that was sent or repeated after `at` was answered; null: none yet. */
  firstAnswersSince(at: number, shardIds: readonly number[]): readonly (number | null)[];
  /** The owner's `restart`. Resolves with the last text that its asker sees. */
  restart(cluster?: number): Promise<string>;
  /** The owner's `eval` in the cluster of this shard. */
  evaluate(shardId: number, code: string): Promise<string>;
  /** So many events a second in a mix as bots see it, nine of ten messages, until `count` are sent and the bot has settled. */
  sendMix(count: number, perSecond: number): Promise<void>;
}

export type DiscordStart = SimulatorOptions & { readonly shardCount: number };

export interface DiscordFacts {
  readonly url: string;
  readonly token: string;
}

export type ToDiscord = { readonly id: number; readonly name: keyof DiscordMethods; readonly args: readonly unknown[] };
export type FromDiscord =
  | { readonly facts: DiscordFacts }
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };
