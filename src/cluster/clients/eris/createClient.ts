import { Client } from 'eris';
import { type RestOptions, restOptions } from '../../../core/discord/rest/restOptions.js';
import type { GatewayOptions } from '../../gateway/GatewayOptions.js';

/** A stock eris client that knows its shards but does not connect by itself. */
export function createClient(options: GatewayOptions): { client: Client; rest: RestOptions } {
  const rest = restOptions(options.apiUrl);
  const { rest: ownRest, ...clientOptions } = options.clientOptions ?? {};
  const client = new Client(`Bot ${bareToken(options.token)}`, {
    messageLimit: 0,
    ...clientOptions,
    rest: { ...ownRest, ...rest },
    intents: options.intents,
    maxShards: options.shardCount,
    firstShardID: Math.min(...options.shardIds),
    lastShardID: Math.max(...options.shardIds),
    autoreconnect: true,
    // Ten failed attempts, which without any pause take a tenth of a second, would otherwise cost the session.
    maxResumeAttempts: Number.POSITIVE_INFINITY,
  });
  // What IDENTIFY says; eris says `offline` and corrects it only in its own memory (eris #1245).
  client.presence.status = 'online';
  return { client, rest };
}

export function bareToken(token: string): string {
  return token.replace(/^Bot /, '');
}
