import type { BotIdentity } from '../../core/discord/packets.js';
import type { Unfinished } from './HandledWindow.js';

/** What changes with the session only. */
export interface SessionRow {
  readonly sessionId: string;
  readonly resumeUrl: string;
  readonly identity: BotIdentity;
}

/** What changes with every dispatch. */
export interface ProgressRow {
  /** The state of the guilds is as of this dispatch. */
  readonly seq: number;
  /** Handlers were called up to this one, where that is another. */
  readonly handled?: number;
  /** When the shard was last known to be connected, in milliseconds since 1970. */
  readonly at: number;
  /** The same on the clock that nobody sets, see `ShardStoreOptions.steadyNow`. Missing in rows of an earlier version. */
  readonly steadyAt?: number;
  /** Commands that have not finished. */
  readonly unfinished: readonly Unfinished[];
  /** Of the last change of any guild. */
  readonly version: number;
}

export interface Stored {
  readonly session: SessionRow;
  readonly progress: ProgressRow;
}

/** @throws SyntaxError where one of them is damaged. */
export function parseStored(session: string | undefined, progress: string | undefined): Stored | undefined {
  if (session === undefined || progress === undefined) return undefined;
  return { session: JSON.parse(session) as SessionRow, progress: JSON.parse(progress) as ProgressRow };
}
