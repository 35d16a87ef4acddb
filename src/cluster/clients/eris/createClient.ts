import { Client } from 'eris';
import { type RestOptions, restOptions } from '../../../core/discord/rest/restOptions.js';
import type { ClientSetup, RequestMethod } from '../ClientAdapter.js';
import type { ErisOptions } from './eris.js';
import { shardInternalsOf, shardManagerOf } from './erisInternals.js';

const DEFAULT_INTENTS = ['guilds', 'guildMessages', 'directMessages'] as const;

/**
 * A stock eris client that has its shards and cannot connect.
 *
 * @throws Error where the installed eris does not fit; TypeError where the API's URL is none.
 */
export function createClient(setup: ClientSetup, options: ErisOptions): { client: Client; rest: RestOptions } {
  const { token, apiUrl, shardIds, shardCount } = setup;
  const rest = restOptions(apiUrl);
  const { rest: ownRest, ...clientOptions } = options.clientOptions ?? {};
  const client = new Client(`Bot ${token}`, {
    messageLimit: 0,
    ...clientOptions,
    rest: { ...ownRest, ...rest },
    intents: options.intents ?? [...DEFAULT_INTENTS],
    maxShards: shardCount,
    firstShardID: Math.min(...shardIds),
    lastShardID: Math.max(...shardIds),
  });
  // What IDENTIFY says; eris says `offline` and corrects it only in its own memory (eris #1245).
  client.presence.status = 'online';
  client.connect = () => Promise.reject(new Error('The gateway connects this client; connect() is not for the bot.'));
  routeRequests(client, setup.sendRequest);
  const manager = shardManagerOf(client);
  // eris's identify queue: a shard that is made asks it for a connection, and one that gets ready goes on with the next.
  manager.connect = () => {};
  manager.tryConnect = () => {};
  manager._readyPacketCB = () => {};
  for (const shardId of shardIds) {
    manager.spawn(shardId);
    shardInternalsOf(manager.get(shardId));
  }
  return { client, rest };
}

/** eris makes every request with this one method. */
function routeRequests({ requestHandler }: Client, sendRequest: ClientSetup['sendRequest']): void {
  if (sendRequest === undefined) return;
  const request = requestHandler.request.bind(requestHandler);
  requestHandler.request = (method, url, auth, body, ...others) =>
    sendRequest({ method, path: url, body }, (changed) =>
      request(changed.method as RequestMethod, changed.path, auth, changed.body as typeof body, ...others),
    );
}
