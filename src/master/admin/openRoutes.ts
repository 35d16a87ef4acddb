import type { FastifyInstance } from 'fastify';
import type { AdminContext } from './AdminContext.js';
import type { PageFiles } from './PageFiles.js';

/** What needs no token: the probes, which say nothing that is worth hiding, and the page's own files. */
export function openRoutes(app: FastifyInstance, { status }: Pick<AdminContext, 'status'>, page: PageFiles): void {
  app.get('/healthz', async () => ({ status: 'ok' as const }));

  app.get('/readyz', async (_request, reply) => {
    const readiness = status.readiness();
    reply.code(readiness.ready ? 200 : 503);
    return readiness;
  });

  app.get<{ Params: { '*': string } }>('/*', async (request, reply) => {
    const file = page.find(request.params['*']);
    if (file === undefined) return reply.callNotFound();
    // Asked for again each time, and sent only where it has changed: a new version must not meet files of an old one.
    reply.header('cache-control', 'no-cache').header('etag', file.etag);
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
    return reply.type(file.type).send(file.content);
  });
}
