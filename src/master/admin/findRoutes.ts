import type { FastifyInstance } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import { shardIdOfGuild } from '../../core/discord/shardRanges.js';
import { KallistiError } from '../../core/errors.js';
import { firstFound } from '../events/firstFound.js';
import type { AdminContext } from './AdminContext.js';
import { inputs, parseInput } from './inputs.js';

type Reply<Name extends keyof AdminApi> = Promise<AdminApi[Name]['reply']>;

/** Look-ups in the caches of the clusters. */
export function findRoutes(app: FastifyInstance, { fleet }: AdminContext): void {
  app.get('/api/find/guild/:id', async ({ params }): Reply<'GET /api/find/guild/:id'> => {
    const { id: guildId } = parseInput(inputs.snowflakePath, params);
    const { clusters } = fleet();
    return {
      guild: await clusters.getForShard(shardOf(guildId, clusters.shardCount)).request('findGuild', { guildId }),
    };
  });

  app.get('/api/find/user/:id', async ({ params }): Reply<'GET /api/find/user/:id'> => {
    const { id: userId } = parseInput(inputs.snowflakePath, params);
    const { clusters } = fleet();
    return { user: firstFound(await clusters.requestAll('findUser', { userId }), clusters.workerCount) };
  });

  app.get('/api/find/channel/:id', async ({ params }): Reply<'GET /api/find/channel/:id'> => {
    const { id: channelId } = parseInput(inputs.snowflakePath, params);
    const { clusters } = fleet();
    return { channel: firstFound(await clusters.requestAll('findChannel', { channelId }), clusters.workerCount) };
  });
}

function shardOf(guildId: string, shardCount: number): number {
  try {
    return shardIdOfGuild(guildId, shardCount);
  } catch (error) {
    throw new KallistiError('INVALID_REQUEST', 'id: is no id of Discord', { cause: error });
  }
}
