import type { FastifyReply, FastifyRequest } from 'fastify';
import { isSameToken } from '../gateway/Credentials.js';

/** The host names that programs on this machine use. If a request has another one, somebody's DNS points it here. */
const HOST_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * Lets only the holder of the token use the control routes. Every user of the machine can reach the port, and so can every
 * web page in its browsers. The gate refuses a page of another site even with the token.
 *
 * @returns a hook that answers the requests which the gate refuses.
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
