import type { KnownDispatch } from '../../../core/discord/packets.js';
import type { ErisLikeClient } from './erisLikeInternals.js';

/**
 * @returns whether eris 0.18.0 and dysnomia 0.2.4 would throw on this dispatch and have nothing to do for it: a channel or thread of a guild that
 * is not in the cache, or an update of a direct message's channel.
 */
export function isIndigestible(client: ErisLikeClient, dispatch: KnownDispatch): boolean {
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
