import type { FastifyInstance } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import type { AdminContext } from './AdminContext.js';
import { inputs, parseInput } from './inputs.js';

type Reply<Name extends keyof AdminApi> = Promise<AdminApi[Name]['reply']>;

/** Look-ups in the caches of the clusters. */
export function findRoutes(app: FastifyInstance, { fleet }: AdminContext): void {
  const idOf = (params: unknown): string => parseInput(inputs.snowflakePath, params).id;

  app.get(
    '/api/find/guild/:id',
    async ({ params }): Reply<'GET /api/find/guild/:id'> => ({ guild: await fleet().commands.findGuild(idOf(params)) }),
  );
  app.get(
    '/api/find/user/:id',
    async ({ params }): Reply<'GET /api/find/user/:id'> => ({ user: await fleet().commands.findUser(idOf(params)) }),
  );
  app.get(
    '/api/find/channel/:id',
    async ({ params }): Reply<'GET /api/find/channel/:id'> => ({
      channel: await fleet().commands.findChannel(idOf(params)),
    }),
  );
}
