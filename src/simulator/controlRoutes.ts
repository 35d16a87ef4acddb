import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { isJson, type Json } from './payloads.js';
import type { Simulator } from './Simulator.js';
import type { CommandRequest } from './users/Interactions.js';
import type { TrafficOptions } from './users/Traffic.js';

/**
 * The simulator by HTTP, for another process that runs it: account, traffic, faults, and commands. Beside `/api`, with no
 * token: the server listens on loopback only.
 */
export function controlRoutes(simulator: Simulator): RouteOptions[] {
  const route = (method: 'GET' | 'POST', url: string, act: (body: Json, params: Json) => unknown): RouteOptions => ({
    method,
    url: `/simulator${url}`,
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      try {
        const result = await act(parse(request.body), request.params as Json);
        await reply.type('application/json').send(JSON.stringify(result ?? { ok: true }));
      } catch (error) {
        await reply
          .code(400)
          .type('application/json')
          .send(JSON.stringify({ error: (error as Error).message }));
      }
    },
  });
  return [
    route('GET', '/account', () => simulator.account.summary()),
    route('GET', '/account/full', () => simulator.account.toJSON()),
    route('POST', '/traffic', (body) => {
      if (body.stop === true) simulator.traffic.stop();
      else simulator.traffic.start(body as TrafficOptions);
    }),
    route('POST', '/faults/:name', (body, params) => {
      const struck = callFault(simulator, String(params.name), Array.isArray(body.args) ? body.args : []);
      return { ok: true, struck: struck ?? null };
    }),
    route('POST', '/commands', async (body) => {
      const interaction = simulator.runCommand(body as unknown as CommandRequest);
      const answer = await interaction.answered;
      return { answer, interaction: interaction.entry };
    }),
    route('POST', '/messages', (body) => {
      const { content, guildId } = body;
      if (typeof content !== 'string' || typeof guildId !== 'string')
        throw new TypeError('content and guildId are needed');
      return simulator.sendMessage(body as never).entry;
    }),
  ];
}

/** Calls a method of {@link Simulator.faults} by its name. */
function callFault(simulator: Simulator, name: string, args: unknown[]): unknown {
  const { faults } = simulator;
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(faults)).filter((key) => key !== 'constructor');
  if (!names.includes(name)) throw new RangeError(`no fault "${name}"; there are ${names.join(', ')}`);
  const method: unknown = Reflect.get(faults, name);
  return typeof method === 'function' ? Reflect.apply(method, faults, args) : undefined;
}

function parse(body: unknown): Json {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  const json: unknown = JSON.parse(body.toString('utf8'));
  if (!isJson(json)) throw new TypeError('the body must be a JSON object');
  return json;
}
