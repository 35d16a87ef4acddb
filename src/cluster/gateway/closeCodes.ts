import { Constants } from 'eris';
import { DiscordRefusedError } from '../../core/errors.js';

/**
 * What a close by Discord means: go on with the session, start a new one, leave this shard alone (no session, and the next
 * would be refused too), or stop for good.
 */
export type CloseVerdict = 'resume' | 'identify' | 'overfull' | 'refused';

/**
 * discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes.
 * Codes that are not listed here (1000 and 1001 too: only our own closing with them ends a session) leave it resumable; if
 * it is not, Discord says so by op 9.
 */
const VERDICTS: Readonly<Record<number, CloseVerdict>> = {
  4003: 'identify', // not authenticated
  4006: 'identify', // the session is no longer valid
  4007: 'identify', // invalid seq; eris would resume with seq 0 for ever
  4009: 'identify', // session timed out
  4004: 'refused',
  4010: 'refused',
  4011: 'overfull', // more than 2500 guilds; the other shards may have less
  4012: 'refused', // eris does not know it and would reconnect for ever
  4013: 'refused',
  4014: 'refused',
};

/** Discord could not read what we sent. */
export const DECODE_ERROR = 4002;

export function judgeClose(code: number): CloseVerdict {
  return VERDICTS[code] ?? 'resume';
}

export interface RefusedShard {
  readonly shardId: number;
  readonly shardCount: number;
  readonly intents: number;
}

/** @returns the error for a code that is `refused`: one line that says what to fix. It never holds the token. */
export function refusal(code: number, shard: RefusedShard): DiscordRefusedError {
  return new DiscordRefusedError(`${describe(code, shard)} (close code ${code})`, code);
}

/** @returns what to do about a shard that is in too many guilds. SHARD_COUNT=auto keeps the number that there is. */
export function overfullText({ shardId, shardCount }: Pick<RefusedShard, 'shardId' | 'shardCount'>): string {
  return (
    `Shard ${shardId} FAILED: Discord refuses it, because it would be in more than 2500 guilds (close code 4011); the other shards serve on. ` +
    `Raise SHARD_COUNT from ${shardCount} to what Discord recommends (kallisti doctor shows it), and restart the bot`
  );
}

function describe(code: number, { shardId, shardCount, intents }: RefusedShard): string {
  switch (code) {
    case 4004:
      return "Discord does not accept the token: set DISCORD_TOKEN to the bot's current one (developer portal, Bot, Reset Token)";
    case 4010:
      return `Discord does not accept shard ${shardId} of ${shardCount}: set SHARD_COUNT to a number that Discord allows, or to auto`;
    case 4012:
      return 'Discord no longer offers the version of the gateway that this eris speaks: update Kallisti';
    case 4013:
      return `Discord does not know the intents ${intents}: ask for existing ones`;
    case 4014:
      return `The bot asks for intents that it may not have: turn on ${privileged(intents)} in the developer portal (Bot, Privileged Gateway Intents), or do not ask for them`;
    default:
      return 'Discord refuses the bot';
  }
}

const PRIVILEGED = {
  guildMembers: 'Server Members',
  guildPresences: 'Presence',
  messageContent: 'Message Content',
} as const;

function privileged(intents: number): string {
  const names = Object.entries(PRIVILEGED)
    .filter(([name]) => (intents & Constants.Intents[name as keyof typeof PRIVILEGED]) !== 0)
    .map(([, title]) => title);
  return names.length === 0 ? 'them' : names.join(', ');
}
