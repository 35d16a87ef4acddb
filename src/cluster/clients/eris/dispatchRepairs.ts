import type { Client } from 'eris';
import type { InteractionData, KnownDispatch } from '../../../core/discord/packets.js';

/**
 * Makes an interaction from a guild or channel that is not in the cache digestible: eris 0.18.0 throws on it, and the user
 * gets no answer. Where the guild is unknown the handler sees the user without the guild's member, as in a direct message.
 */
export function repairInteraction(client: Client, data: InteractionData): void {
  if (data.member === undefined) return;
  // Read by eris where the guild is cached but the channel is not, a new thread for example (eris #1512).
  data.member.id = data.member.user.id;
  if (data.guild_id === undefined || client.guilds.has(data.guild_id)) return;
  data.user = data.member.user;
  delete data.member;
  if (data.data?.resolved !== undefined) delete data.data.resolved.members;
}

/**
 * @returns whether eris 0.18.0 would throw on this dispatch and has nothing to do for it: a channel or thread of a guild that
 * is not in the cache, or an update of a direct message's channel.
 */
export function isIndigestible(client: Client, dispatch: KnownDispatch): boolean {
  switch (dispatch.t) {
    case 'CHANNEL_CREATE':
    case 'CHANNEL_UPDATE':
    case 'THREAD_CREATE':
    case 'THREAD_UPDATE':
      return dispatch.d.guild_id === undefined || !client.guilds.has(dispatch.d.guild_id);
    default:
      return false;
  }
}
