import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import type { EvalTarget } from '../../core/contracts/ClusterContract.js';
import { KallistiError } from '../../core/errors.js';
import type { AdminContext } from './AdminContext.js';
import { inputs, parseInput } from './inputs.js';
import { describeVisitor } from './visitors.js';

type Reply<Name extends keyof AdminApi> = AdminApi[Name]['reply'];

/** Everything that changes something. Each is logged with who did it and from where, whatever the log level: it can be set here. */
export function actionRoutes(app: FastifyInstance, context: AdminContext): void {
  const { logger, fleet, allowsEval, requestStop } = context;
  const audit = logger.child({}, { level: 'warn' });
  const note = (request: FastifyRequest, action: string, details: object = {}): void =>
    audit.warn({ ...details, admin: describeVisitor(request) }, `admin: ${action}`);

  app.post('/api/restart', async (request, reply): Promise<Reply<'POST /api/restart'>> => {
    const { clusterIds } = parseInput(inputs.restart, request.body);
    const requestedBy = describeVisitor(request);
    note(request, 'restarts clusters', { clusters: clusterIds ?? 'all' });
    const begun = fleet().commands.restart({ requestedBy, ...(clusterIds === undefined ? {} : { clusterIds }) });
    reply.code(202);
    return { id: begun.id, clusterIds: begun.clusterIds };
  });

  app.post('/api/eval', async (request): Promise<Reply<'POST /api/eval'>> => {
    if (!allowsEval) {
      note(request, 'was refused to run code');
      throw new KallistiError('EVAL_DISABLED', 'ADMIN_EVAL is off');
    }
    const { code, target } = parseInput(inputs.evaluate, request.body);
    const { commands } = fleet();
    // What the code is may be a secret of its own; its beginning is enough to know it again.
    note(request, 'runs code', { target: describeTarget(target), code: code.slice(0, 200) });
    return { results: await commands.evaluate(code, target) };
  });

  app.post('/api/loglevel', async (request): Promise<Reply<'POST /api/loglevel'>> => {
    const { level, clusterId } = parseInput(inputs.logLevel, request.body);
    const { commands } = fleet();
    note(request, 'sets the log level', { to: level, cluster: clusterId });
    return { level, clusterIds: await commands.setLogLevel(level, clusterId) };
  });

  app.post('/api/stop', async (request, reply): Promise<Reply<'POST /api/stop'>> => {
    parseInput(inputs.none, request.body);
    note(request, 'stops the bot');
    // After the answer has left: the stop closes the server.
    reply.raw.once('finish', () => requestStop());
    reply.code(202);
    return { status: 'stopping' };
  });
}

function describeTarget(target: EvalTarget): string {
  return typeof target === 'string' ? target : `cluster ${target.clusterId}`;
}
