import { INTENTS } from '../gateway/intents.js';
import type { GuildPayload } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { ApiRequest, Route } from './Api.js';
import { missingAccess, unknown } from './DiscordApiError.js';

/** discord.com/developers/docs/resources/guild */
export function guildsRoutes(world: World, allowedPrivilegedIntents: number): Route[] {
  const guildOf = ({ params }: ApiRequest): GuildPayload => {
    const guild = world.findGuild(params.guildId ?? '');
    if (guild === undefined) throw unknown.guild();
    return guild;
  };
  return [
    {
      method: 'GET',
      path: '/guilds/:guildId',
      handle: (request) => {
        const {
          channels,
          threads,
          members,
          presences,
          voice_states,
          member_count,
          joined_at,
          large,
          unavailable,
          ...guild
        } = guildOf(request);
        const counts = { approximate_member_count: member_count, approximate_presence_count: presences.length };
        return { body: request.query.with_counts === 'true' ? { ...guild, ...counts } : guild };
      },
    },
    { method: 'GET', path: '/guilds/:guildId/channels', handle: (request) => ({ body: guildOf(request).channels }) },
    { method: 'GET', path: '/guilds/:guildId/roles', handle: (request) => ({ body: guildOf(request).roles }) },
    {
      method: 'GET',
      path: '/guilds/:guildId/members',
      handle: (request) => {
        const { members } = guildOf(request);
        // The application must have the privileged intent: discord.com/developers/docs/events/gateway#http-restrictions
        if ((allowedPrivilegedIntents & INTENTS.guildMembers) === 0) throw missingAccess();
        const limit = Math.min(1000, Number(request.query.limit ?? 1));
        const after = BigInt(request.query.after ?? 0);
        const sorted = [...members].sort((a, b) => (BigInt(a.user.id) < BigInt(b.user.id) ? -1 : 1));
        return { body: sorted.filter((member) => BigInt(member.user.id) > after).slice(0, limit) };
      },
    },
    {
      method: 'GET',
      path: '/guilds/:guildId/members/:userId',
      handle: (request) => {
        const userId = request.params.userId ?? '';
        const member = guildOf(request).members.find((candidate) => candidate.user.id === userId);
        if (member === undefined) throw world.findUser(userId) === undefined ? unknown.user() : unknown.member();
        return { body: member };
      },
    },
  ];
}
