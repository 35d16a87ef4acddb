import type { FastifyInstance, FastifyReply } from 'fastify';
import type { AdminApi } from '../../core/contracts/AdminApi.js';
import type { AdminContext } from './AdminContext.js';
import { inputs, parseInput } from './inputs.js';
import { SESSION_MS } from './Sessions.js';

type Reply<Name extends keyof AdminApi> = Promise<AdminApi[Name]['reply']>;

/** The browser's way in and out. These two let in whoever has no session yet, and check the rest themselves. */
export function sessionRoutes(app: FastifyInstance, { gate, logger, cookieName }: AdminContext): void {
  // As what is done then: whatever the log level.
  const audit = logger.child({}, { level: 'info' });
  const setCookie = (reply: FastifyReply, value: string, maxAgeS: number): void => {
    // No `Secure`: it is plain HTTP on loopback, and over a proxy with TLS the browser never sends it elsewhere anyway.
    reply.header('set-cookie', `${cookieName()}=${value}; Path=/; Max-Age=${maxAgeS}; HttpOnly; SameSite=Strict`);
  };

  app.post('/api/login', async (request, reply): Reply<'POST /api/login'> => {
    const { token } = parseInput(inputs.login, request.body);
    const { id, session } = gate.logIn(token, request.raw);
    audit.info({ from: request.socket.remoteAddress }, 'admin: somebody logged in to the status page');
    setCookie(reply, id, SESSION_MS / 1000);
    return { expiresAt: session.expiresAt };
  });

  app.post('/api/logout', async (request, reply): Reply<'POST /api/logout'> => {
    const id = gate.sessionId(request.raw);
    if (id !== undefined) {
      // Only from our own page: another must not be able to log anybody out.
      gate.admit(request.raw);
      gate.logOut(id);
      audit.info({ from: request.socket.remoteAddress }, 'admin: somebody logged out of the status page');
    }
    setCookie(reply, '', 0);
    return { status: 'ok' };
  });
}
