import type { FastifyInstance } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import { KallistiError } from '../../core/errors.js';
import { requireCluster } from '../fleet/FleetCommands.js';
import type { AdminContext } from './AdminContext.js';
import { SECURITY_HEADERS } from './answers.js';
import { MAX_VIEWERS } from './EventStream.js';
import { inputs, parseInput } from './inputs.js';

type Reply<Name extends keyof AdminApi> = Promise<AdminApi[Name]['reply']>;

/** What can be looked up in the caches of the clusters, and the command that does it. */
const LOOK_UPS = { guild: 'findGuild', user: 'findUser', channel: 'findChannel' } as const;

/** Everything that only looks. */
export function statusRoutes(app: FastifyInstance, context: AdminContext): void {
  const { gate, status, history, logs, events, fleet } = context;

  app.get(
    '/api/status',
    async (): Reply<'GET /api/status'> => ({
      ...(await status.collect()),
      history: history.read(),
    }),
  );

  app.get(
    '/api/logs',
    async ({ query }): Reply<'GET /api/logs'> => ({
      lines: logs.lines('all', parseInput(inputs.logLines, query).lines),
    }),
  );

  app.get('/api/clusters/:id/logs', async ({ params, query }): Reply<'GET /api/clusters/:id/logs'> => {
    const { id } = parseInput(inputs.clusterPath, params);
    requireCluster(id, fleet().clusters.workerCount);
    return { lines: logs.lines(id, parseInput(inputs.logLines, query).lines) };
  });

  for (const [kind, command] of Object.entries(LOOK_UPS)) {
    app.get(`/api/find/${kind}/:id`, async ({ params }) => {
      const { id } = parseInput(inputs.snowflakePath, params);
      return { [kind]: await fleet().commands[command](id) };
    });
  }

  app.get('/api/events', async (request, reply) => {
    const { logs: source } = parseInput(inputs.events, request.query);
    if (typeof source === 'number') requireCluster(source, fleet().clusters.workerCount);
    if (events.viewers >= MAX_VIEWERS) throw new KallistiError('RATE_LIMITED', `${MAX_VIEWERS} viewers look already`);
    const login = gate.visitorOf(request.raw).login;
    reply.hijack();
    await events.view(reply.raw, { headers: SECURITY_HEADERS, logs: source, login });
  });

  app.get('/metrics', async (_request, reply) => {
    const { type, text } = await context.metrics();
    return reply.type(type).send(text);
  });
}
