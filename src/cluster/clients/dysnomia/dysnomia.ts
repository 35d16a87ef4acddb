import type { Client, ClientOptions, GatewayOptions, RequestHandlerOptions } from '@projectdysnomia/dysnomia';
import type { ClientFactory } from '../ClientAdapter.js';
import { ErisLikeAdapter } from '../erisLike/ErisLikeAdapter.js';
import { createClient } from './createClient.js';

export type DysnomiaClient = Client;

/**
 * The options of dysnomia, with its defaults. Kallisti says which shards there are and where the API is, connects them, and
 * orders the logins.
 */
export interface DysnomiaOptions extends Omit<ClientOptions, 'gateway' | 'rest'> {
  readonly gateway?: Omit<GatewayOptions, 'firstShardID' | 'lastShardID' | 'maxShards' | 'maxConcurrency'>;
  readonly rest?: Omit<RequestHandlerOptions, 'agent' | 'baseURL' | 'domain' | 'https' | 'port'>;
}

/** A stock dysnomia client, without a connection of its own. */
export function dysnomia(options: DysnomiaOptions = {}): ClientFactory<DysnomiaClient> {
  return (setup) => new ErisLikeAdapter(setup, createClient(setup, options));
}
