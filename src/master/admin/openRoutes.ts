import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import type { AdminContext } from './AdminContext.js';
import { inputs, parseInput } from './inputs.js';
import { LOGIN_MS } from './Logins.js';
import type { PageFiles } from './PageFiles.js';

type Reply<Name extends keyof AdminApi> = Promise<AdminApi[Name]['reply']>;

/** What a stranger may ask for: the probes, the page's own files (neither says anything worth hiding), login and logout. */
export function openRoutes(
  app: FastifyInstance,
  { gate, logger, cookieName, status }: AdminContext,
  page: PageFiles,
): void {
  // Logged whatever the log level is, as the actions are.
  const audit = logger.child({}, { level: 'info' });
  const setCookie = (reply: FastifyReply, value: string, maxAgeS: number): void => {
    // No `Secure`: the master speaks plain HTTP on loopback. Behind a proxy with TLS a browser sends the cookie only there anyway.
    reply.header('set-cookie', `${cookieName()}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict`);
    reply.header('cache-control', 'no-store');
  };

  app.get('/healthz', async (): Reply<'GET /healthz'> => ({ status: 'ok' }));

  app.get('/readyz', async (_request, reply): Reply<'GET /readyz'> => {
    const readiness = status.readiness();
    reply.code(readiness.ready ? 200 : 503);
    return readiness;
  });

  app.get<{ Params: { '*': string } }>('/*', async (request, reply) => {
    const file = page.find(request.params['*']);
    if (file === undefined) return reply.callNotFound();
    // The browser asks each time and gets what has changed: a new version must not meet files of an old one.
    reply.header('cache-control', 'no-cache').header('etag', file.etag);
    if (request.headers['if-none-match'] === file.etag) return reply.code(304).send();
    return reply.type(file.type).send(file.content);
  });

  app.post('/api/login', async (request, reply): Reply<'POST /api/login'> => {
    const { token } = parseInput(inputs.login, request.body);
    const { id, login } = gate.logIn(token, request.raw);
    audit.info({ from: request.socket.remoteAddress }, 'admin: somebody logged in to the status page');
    setCookie(reply, id, LOGIN_MS / 1000);
    return { expiresAt: login.expiresAt };
  });

  app.post('/api/logout', async (request, reply): Reply<'POST /api/logout'> => {
    const id = gate.loginId(request.raw);
    if (id !== undefined) {
      // No page but ours may log anybody out.
      gate.admit(request.raw);
      gate.logOut(id);
      audit.info({ from: request.socket.remoteAddress }, 'admin: somebody logged out of the status page');
    }
    setCookie(reply, '', 0);
    return { status: 'ok' };
  });
}
