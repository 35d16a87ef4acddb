import { CloseCode, PRIVILEGED_INTENTS } from '../../core/discord/gatewayCodes.js';
import { DiscordRefusedError } from '../../core/errors.js';

/**
 * What a close by Discord means: go on with the session, start a new one, leave this shard alone (no session, and the next
 * would be refused too), or stop for good.
 */
export type CloseVerdict = 'resume' | 'identify' | 'overfull' | 'refused';

/**
 * Codes that are not listed here (1000 and 1001 too: only our own closing with them ends a session) leave it resumable; if
 * it is not, Discord says so by op 9.
 */
const VERDICTS: Readonly<Record<number, CloseVerdict>> = {
  [CloseCode.NOT_AUTHENTICATED]: 'identify',
  [CloseCode.SESSION_NO_LONGER_VALID]: 'identify',
  [CloseCode.INVALID_SEQ]: 'identify',
  [CloseCode.SESSION_TIMED_OUT]: 'identify',
  [CloseCode.AUTHENTICATION_FAILED]: 'refused',
  [CloseCode.INVALID_SHARD]: 'refused',
  [CloseCode.SHARDING_REQUIRED]: 'overfull', // more than 2500 guilds; the other shards may have less
  [CloseCode.INVALID_API_VERSION]: 'refused',
  [CloseCode.INVALID_INTENTS]: 'refused',
  [CloseCode.DISALLOWED_INTENTS]: 'refused',
};

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
    case CloseCode.AUTHENTICATION_FAILED:
      return "Discord does not accept the token: set DISCORD_TOKEN to the bot's current one (developer portal, Bot, Reset Token)";
    case CloseCode.INVALID_SHARD:
      return `Discord does not accept shard ${shardId} of ${shardCount}: set SHARD_COUNT to a number that Discord allows, or to auto`;
    case CloseCode.INVALID_API_VERSION:
      return 'Discord no longer offers the version of the gateway that this Kallisti speaks: update Kallisti';
    case CloseCode.INVALID_INTENTS:
      return `Discord does not know the intents ${intents}: ask for existing ones`;
    case CloseCode.DISALLOWED_INTENTS:
      return `The bot asks for intents that it may not have: turn on ${privileged(intents)} in the developer portal (Bot, Privileged Gateway Intents), or do not ask for them`;
    default:
      return 'Discord refuses the bot';
  }
}

function privileged(intents: number): string {
  const names = PRIVILEGED_INTENTS.filter(([bit]) => (intents & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? 'them' : names.join(', ');
}
