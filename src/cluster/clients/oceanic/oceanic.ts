import type { Client, ClientOptions } from 'oceanic.js';
import type { ClientFactory } from '../ClientAdapter.js';
import { createClient } from './createClient.js';
import { OceanicAdapter } from './OceanicAdapter.js';

export type OceanicClient = Client;

type GatewayOptions = NonNullable<ClientOptions['gateway']>;
type RestOptions = NonNullable<ClientOptions['rest']>;

/**
 * The options of oceanic.js, with its defaults. Kallisti says which shards there are and where the API is, connects them, and
 * orders the logins.
 */
export interface OceanicOptions extends Omit<ClientOptions, 'auth' | 'token' | 'gateway' | 'rest'> {
  readonly gateway?: Omit<
    GatewayOptions,
    | ('concurrency' | 'firstShardID' | 'lastShardID' | 'maxShards' | 'shardIDs')
    | ('compress' | 'compressLibrary' | 'override')
  > & {
    /** Default false. */
    readonly compress?: 'zlib-stream' | false;
  };
  readonly rest?: Omit<RestOptions, 'baseURL' | 'host'>;
}

/** A stock oceanic.js client, without a connection of its own. */
export function oceanic(options: OceanicOptions = {}): ClientFactory<OceanicClient> {
  return (setup) => new OceanicAdapter(setup, createClient(setup, options));
}
