import { Client } from 'oceanic.js';
import { restOptions } from '../../../core/discord/rest/restOptions.js';
import type { ClientSetup, ConnectionWishes } from '../ClientAdapter.js';
import type { OceanicOptions } from './oceanic.js';
import { clientInternalsOf } from './oceanicInternals.js';

export interface ClientParts {
  readonly client: Client;
  readonly connection: ConnectionWishes;
}

/**
 * A stock oceanic.js client that has its shards and cannot connect.
 *
 * @throws Error where the installed oceanic.js does not fit; TypeError where the API's URL is none.
 */
export function createClient(setup: ClientSetup, options: OceanicOptions): ClientParts {
  const { token, apiUrl, shardIds, shardCount, log } = setup;
  const { compress = false, ...gateway } = options.gateway ?? {};
  const baseURL = new URL(apiUrl).origin + restOptions(apiUrl).baseURL;
  const client = new Client({
    ...options,
    auth: `Bot ${token}`,
    rest: { ...options.rest, baseURL },
    gateway: { ...gateway, maxShards: shardCount, shardIDs: [...shardIds], concurrency: 1 },
  });
  const { shards } = clientInternalsOf(client);
  const refusal = () => Promise.reject(new Error('The gateway connects this client; connect() is not for the bot.'));
  const refuse = () => log.clientWarning('the gateway connects the shards: disconnect() does nothing', undefined);
  client.connect = refusal;
  client.disconnect = refuse;
  shards.connect = refusal;
  shards.disconnect = refuse;
  // oceanic.js's identify queue: a shard that is made asks it for a connection, and one that gets ready goes on with the next.
  shards._connect = () => {};
  shards._ready = () => {};
  shards.tryConnect = () => {};
  // Without it a guild does not say which shard it is on.
  shards.connected = true;
  return { client, connection: connectionWishes(client, compress !== false) };
}

function connectionWishes({ shards }: Client, compress: boolean): ConnectionWishes {
  const { intents, largeThreshold, guildCreateTimeout, presence, ws } = shards.options;
  return {
    intents: intents as number,
    largeThreshold,
    presence: { ...presence, since: null },
    compress,
    guildTimeoutMs: guildCreateTimeout,
    socketOptions: ws,
  };
}
