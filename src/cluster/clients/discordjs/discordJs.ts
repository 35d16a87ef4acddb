import type { Client, ClientOptions, WebSocketOptions } from 'discord.js';
import type { ClientFactory } from '../ClientAdapter.js';
import { createClient } from './createClient.js';
import { DiscordJsAdapter } from './DiscordJsAdapter.js';

export type DiscordJsClient = Client;

/**
 * The options of discord.js, with its defaults. Kallisti says which shards there are and where the API is, connects them, and
 * orders the logins.
 */
export interface DiscordJsOptions extends Omit<ClientOptions, 'shards' | 'shardCount' | 'ws' | 'rest'> {
  readonly ws?: Omit<WebSocketOptions, 'version' | 'buildStrategy' | 'buildIdentifyThrottler'>;
  readonly rest?: Omit<NonNullable<ClientOptions['rest']>, 'api' | 'version'>;
}

/** A stock discord.js client, without a connection of its own. */
export function discordJs(options: DiscordJsOptions): ClientFactory<DiscordJsClient> {
  return async (setup) => new DiscordJsAdapter(setup, await createClient(setup, options));
}
