import { isJson } from '../world/payloads.js';
import type { World } from '../world/World.js';
import type { Route } from './Api.js';
import { FormCheck, unknown } from './DiscordApiError.js';

/** discord.com/developers/docs/resources/user */
export function usersRoutes(world: World): Route[] {
  return [
    { method: 'GET', path: '/users/@me', handle: () => ({ body: world.bot }) },
    {
      method: 'GET',
      path: '/users/@me/guilds',
      handle: ({ query }) => {
        const limit = Math.min(200, Number(query.limit ?? 200));
        const ids = world.guildIds.filter((id) => BigInt(id) > BigInt(query.after ?? 0)).slice(0, limit);
        const partial = ids.map((id) => {
          const guild = world.findGuild(id);
          return { id, name: guild?.name, icon: null, banner: null, features: [], owner: false, permissions: '0' };
        });
        return { body: partial };
      },
    },
    {
      method: 'GET',
      path: '/users/:userId',
      handle: ({ params }) => {
        const user = world.findUser(params.userId ?? '');
        if (user === undefined) throw unknown.user();
        return { body: user };
      },
    },
    {
      method: 'POST',
      path: '/users/@me/channels',
      handle: ({ body }) => {
        const recipient = isJson(body) ? body.recipient_id : undefined;
        const check = new FormCheck();
        if (!check.snowflake(recipient, ['recipient_id'])) throw check.toError();
        if (world.findUser(recipient) === undefined) throw unknown.user();
        return { body: world.openDm(recipient) };
      },
    },
  ];
}
