import type { ClientAdapter } from '../../clients/ClientAdapter.js';

/**
 * The one call of a client library that answering uses. Answers go through it, and not through the library's message methods:
 * those build and cache a message of every answer, and are different in each library.
 */
export type DiscordRest = Pick<ClientAdapter, 'request'>;

/** Nobody is ever pinged by an answer: it may hold a user's name or the value of an eval. */
export const NO_MENTIONS = { parse: [], replied_user: false } as const;

/** discord.com/developers/docs/resources/message#message-object-message-flags */
export const EPHEMERAL = 1 << 6;
export const LOADING = 1 << 7;

/** discord.com/developers/docs/topics/opcodes-and-status-codes#json */
export const ALREADY_ACKNOWLEDGED = 40060;
/** Unknown interaction, unknown webhook, invalid webhook token: too late, or another process was faster. */
const GONE_CODES: readonly unknown[] = [10062, 10015, 50027];

/** @returns Discord's own number for the error, or undefined where it is not one of Discord's. */
export function discordCode(error: unknown): number | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined;
}

/** Whether the interaction can no longer be answered, by anybody. Expected now and then, and nothing to act on. */
export function isGone(error: unknown): boolean {
  return GONE_CODES.includes(discordCode(error));
}
