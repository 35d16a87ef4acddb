import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import { KallistiError } from '../../core/errors.js';
import type { AdminContext } from './AdminContext.js';
import { inputs, parseInput } from './inputs.js';

type Reply<Name extends keyof AdminApi> = Promise<AdminApi[Name]['reply']>;

/**
 * Everything that changes something. The log says who did it and from where, whatever the log level is: it can be set here.
 */
export function actionRoutes(app: FastifyInstance, context: AdminContext): void {
  const { logger, gate, fleet, allowsEval, requestStop } = context;
  const audit = logger.child({}, { level: 'warn' });
  /** @returns who it was. */
  const note = ({ raw }: FastifyRequest, action: string, details: object = {}): string => {
    const who = gate.describeVisitor(raw);
    audit.warn({ ...details, admin: who }, `admin: ${action}`);
    return who;
  };

  app.post('/api/restart', async (request, reply): Reply<'POST /api/restart'> => {
    const wanted = parseInput(inputs.restart, request.body);
    const requestedBy = note(request, 'restarts clusters', { clusters: wanted.clusterIds ?? 'all' });
    const { id, clusterIds } = fleet().commands.restart({ requestedBy, ...wanted });
    reply.code(202);
    return { id, clusterIds };
  });

  app.post('/api/eval', async (request): Reply<'POST /api/eval'> => {
    if (!allowsEval) {
      note(request, 'was refused to run code');
      throw new KallistiError('EVAL_DISABLED', 'ADMIN_EVAL is off');
    }
    const { code, target } = parseInput(inputs.evaluate, request.body);
    const { commands } = fleet();
    const where = typeof target === 'string' ? target : `cluster ${target.clusterId}`;
    // The code may hold a secret of its own. Its beginning is enough to recognize it.
    note(request, 'runs code', { target: where, code: code.slice(0, 200) });
    return { results: await commands.evaluate(code, target) };
  });

  app.post('/api/loglevel', async (request): Reply<'POST /api/loglevel'> => {
    const { level, clusterId } = parseInput(inputs.logLevel, request.body);
    const { commands } = fleet();
    note(request, 'sets the log level', { to: level, cluster: clusterId });
    return { level, clusterIds: await commands.setLogLevel(level, clusterId) };
  });

  app.post('/api/stop', async (request, reply): Reply<'POST /api/stop'> => {
    parseInput(inputs.none, request.body);
    note(request, 'stops the bot');
    // The answer leaves first: the stop closes the server.
    reply.raw.once('finish', () => requestStop());
    reply.code(202);
    return { status: 'stopping' };
  });
}
