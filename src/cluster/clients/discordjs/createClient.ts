import { Client, DefaultRestOptions, type WebSocketOptions } from 'discord.js';
import { restOptions } from '../../../core/discord/rest/restOptions.js';
import type { ClientSetup } from '../ClientAdapter.js';
import type { DiscordJsOptions } from './discordJs.js';
import { clientInternalsOf } from './discordJsInternals.js';
import { RestGate } from './RestGate.js';

type BuildStrategy = NonNullable<WebSocketOptions['buildStrategy']>;
/** discord.js's own connection manager, of @discordjs/ws. */
export type ConnectionManager = Parameters<BuildStrategy>[0];
type Strategy = ReturnType<BuildStrategy>;
export type Payload = Parameters<Strategy['send']>[1];

export interface ClientParts {
  readonly client: Client;
  readonly manager: ConnectionManager;
  readonly rest: RestGate;
  /** Where what the client sends over the gateway goes; set before anybody sends. */
  readonly outlet: { send: (shardId: number, payload: Payload) => void };
}

/**
 * A stock discord.js client that is logged in, has its shards and cannot connect.
 *
 * @throws Error where the installed discord.js does not fit; TypeError where the API's URL is none.
 */
export async function createClient(setup: ClientSetup, options: DiscordJsOptions): Promise<ClientParts> {
  const { token, shardIds, shardCount, log } = setup;
  const { api, version } = apiOf(setup.apiUrl);
  const rest = new RestGate(options.rest?.makeRequest ?? DefaultRestOptions.makeRequest);
  const outlet: ClientParts['outlet'] = { send: () => {} };
  let manager: ConnectionManager | undefined;
  const client = new Client({
    ...options,
    shards: [...shardIds],
    shardCount,
    rest: { ...options.rest, api, version, makeRequest: rest.makeRequest },
    ws: {
      ...options.ws,
      buildStrategy: (made) => {
        manager = made;
        const start = { total: 1, remaining: Number.POSITIVE_INFINITY, reset_after: 0, max_concurrency: 1 };
        made.fetchGatewayInformation = async () => ({ url: '', shards: shardCount, session_start_limit: start });
        return socketless(outlet);
      },
    },
  });
  routeRequests(client, setup.sendRequest);
  const internals = clientInternalsOf(client);
  // Makes the shards, and asks the strategy for a connection that it does not make.
  await client.login(token);
  if (manager === undefined) throw new Error('discord.js does not fit: it has not asked for a strategy.');
  client.login = () => Promise.reject(new Error('The gateway connects this client; login() is not for the bot.'));
  client.destroy = async () => {
    log.clientWarning('the gateway connects the shards: destroy() of the client does nothing', undefined);
  };
  internals.ws.destroy = async () => {};
  return { client, manager, rest, outlet };
}

/** discord.js makes every request with this one method. */
function routeRequests({ rest }: Client, sendRequest: ClientSetup['sendRequest']): void {
  if (sendRequest === undefined) return;
  const request = rest.request.bind(rest);
  type Options = Parameters<typeof request>[0];
  rest.request = (options) => {
    const { method, fullRoute: path, body } = options;
    return sendRequest({ method, path, body }, (changed) => {
      // Its query belongs to its path.
      const { query, ...others } = options;
      const made = { ...others, method: changed.method, fullRoute: changed.path, body: changed.body } as Options;
      return request(changed.path === path && query !== undefined ? { ...made, query } : made);
    });
  };
}

/** A sharding strategy of @discordjs/ws that spawns nothing and connects nothing. */
function socketless(outlet: ClientParts['outlet']): Strategy {
  return {
    spawn: () => {},
    connect: () => {},
    destroy: () => {},
    fetchStatus: () => Promise.reject(new Error('The state of a shard is in client.ws.shards.')),
    send: (shardId, payload) => outlet.send(shardId, payload),
  };
}

function apiOf(apiUrl: string): { readonly api: string; readonly version: string } {
  const { baseURL } = restOptions(apiUrl);
  const [, path = '', version = ''] = /^(.*)\/v(\d+)$/.exec(baseURL) ?? [];
  return { api: new URL(apiUrl).origin + path, version };
}
