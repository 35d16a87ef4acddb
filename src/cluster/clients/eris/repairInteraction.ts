import type { InteractionData } from '../../../core/discord/packets.js';
import type { ErisLikeClient } from '../erisLike/erisLikeInternals.js';

/**
 * Makes an interaction from a guild or channel that is not in the cache digestible: eris 0.18.0 throws on it, and the user
 * gets no answer. Where the guild is unknown the handler sees the user without the guild's member, as in a direct message.
 */
export function repairInteraction(client: ErisLikeClient, data: InteractionData): void {
  if (data.member === undefined) return;
  // Read by eris where the guild is cached but the channel is not, a new thread for example (eris #1512).
  data.member.id = data.member.user.id;
  if (data.guild_id === undefined || client.guilds.has(data.guild_id)) return;
  data.user = data.member.user;
  delete data.member;
  if (data.data?.resolved !== undefined) delete data.data.resolved.members;
}
