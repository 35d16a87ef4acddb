import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isSameToken } from '../gateway/Credentials.js';
import type { Simulator } from '../Simulator.js';
import type { CommandRequest } from '../users/Interactions.js';
import type { TrafficOptions } from '../users/Traffic.js';
import { isJson, type Json } from '../world/payloads.js';

const MAX_BODY_BYTES = 64 * 1024;
/** The host names that programs on this machine use. If a request has another one, somebody's DNS points it here. */
const HOST_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/**
 * The simulator by HTTP, for another process that controls it: account, traffic, faults, and commands. Bodies are JSON. A
 * request that the {@link controlGate} refuses learns nothing, not even which routes there are.
 */
export function controlRoutes(simulator: Simulator, token: string): (scope: FastifyInstance) => Promise<void> {
  return async (scope) => {
    const route = (method: 'GET' | 'POST', url: string, act: (body: Json, params: Json) => unknown): void => {
      scope.route({
        method,
        url,
        bodyLimit: MAX_BODY_BYTES,
        exposeHeadRoute: false,
        handler: async ({ body = {}, params }) => {
          if (!isJson(body)) throw new TypeError('the body must be a JSON object');
          return (await act(body, params as Json)) ?? { ok: true };
        },
      });
    };
    scope.addHook('onRequest', controlGate(token));
    scope.removeAllContentTypeParsers();
    const parseJson = scope.getDefaultJsonParser('error', 'error');
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, parseJson);
    scope.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) =>
      reply.code(error.statusCode ?? 400).send({ error: error.message }),
    );
    scope.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'there is no such control route' }));

    route('GET', '/account', () => simulator.account.summary());
    route('GET', '/account/full', () => simulator.account.toJSON());
    route('POST', '/traffic', (body) => {
      if (body.stop === true) simulator.traffic.stop();
      else simulator.traffic.start(body as TrafficOptions);
    });
    route('POST', '/faults/:name', (body, params) => {
      const struck = callFault(simulator, String(params.name), Array.isArray(body.args) ? body.args : []);
      return { ok: true, struck: struck ?? null };
    });
    route('POST', '/commands', async (body) => {
      const interaction = simulator.runCommand(body as unknown as CommandRequest);
      const answer = await interaction.answered;
      return { answer, interaction: interaction.entry };
    });
    route('POST', '/messages', (body) => {
      const { content, guildId } = body;
      if (typeof content !== 'string' || typeof guildId !== 'string')
        throw new TypeError('content and guildId are needed');
      return simulator.sendMessage(body as never).entry;
    });
  };
}

/**
 * Lets only the holder of the token use the control routes. Every user of the machine can reach the port, and so can every
 * web page in its browsers. The gate refuses a page of another site even with the token.
 *
 * @returns a hook that answers the requests which the gate refuses.
 */
function controlGate(token: string) {
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

/** Calls a method of {@link Simulator.faults} by its name. Throws a RangeError if there is none. */
function callFault(simulator: Simulator, name: string, args: unknown[]): unknown {
  const { faults } = simulator;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(faults)).filter((key) => key !== 'constructor');
  if (!names.includes(name)) throw new RangeError(`no fault "${name}"; there are ${names.join(', ')}`);
  const method: unknown = Reflect.get(faults, name);
  return typeof method === 'function' ? Reflect.apply(method, faults, args) : undefined;
}
