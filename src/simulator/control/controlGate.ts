import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSameToken } from './secretToken.js';

/** Names under which a program on this machine calls it. Any other one was made to point here by somebody's DNS. */
const HOST_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Decides who may use the control routes: whoever has the token. Every user of the machine and every web page in its browsers
 * can reach the port. A page is refused even with the token.
 *
 * @returns a hook that answers a request which is refused.
 */
export function controlGate(token: string) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const { host = '', origin, authorization = '' } = request.headers;
    const port = request.socket.localPort;
    const authorities = HOST_NAMES.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`]));
    if (!authorities.includes(host)) return reply.code(403).send({ error: `this is not the host "${host}"` });
    if (origin !== undefined && origin !== `http://${host}`)
      return reply.code(403).send({ error: 'the request comes from a page of another site' });
    if (isSameToken(authorization, `Bearer ${token}`)) return undefined;
    const error = 'Authorization must be "Bearer <control token>"; the simulator prints that token when it starts';
    return reply.code(401).header('www-authenticate', 'Bearer').send({ error });
  };
}
