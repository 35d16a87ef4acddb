import type { InteractionData } from '../../../core/discord/packets.js';
import type { ErisLikeClient } from '../erisLike/erisLikeInternals.js';

/** What dysnomia reads of an interaction without looking; not every proxy sends it. */
interface Whereabouts {
  channel?: unknown;
  readonly channel_id?: string;
  guild?: unknown;
}

/**
 * Makes an interaction from a guild that is not in the cache digestible: dysnomia 0.2.4 throws on the members that are among its
 * options, and the user gets no answer.
 */
export function repairInteraction(client: ErisLikeClient, data: InteractionData & Whereabouts): void {
  if (data.member === undefined) return;
  data.channel ??= { id: data.channel_id };
  data.guild ??= { id: data.guild_id };
  if (data.guild_id === undefined || client.guilds.has(data.guild_id)) return;
  if (data.data?.resolved !== undefined) delete data.data.resolved.members;
}
