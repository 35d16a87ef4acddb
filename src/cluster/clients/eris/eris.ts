import type { Client, ClientOptions } from 'eris';
import type { ClientFactory } from '../ClientAdapter.js';
import { ErisAdapter } from './ErisAdapter.js';

export type ErisClient = Client;

export interface ErisOptions {
  /** What Discord sends. Default: guilds, and messages in guilds and in private; nothing that needs Discord's approval. */
  readonly intents?: ClientOptions['intents'];
  /** Further options for eris. Default: eris's own, except `messageLimit` 0 (eris: 100 messages kept per channel). */
  readonly clientOptions?: Partial<Omit<ClientOptions, 'intents'>>;
}

/** A stock eris client, without a connection of its own. */
export function eris(options: ErisOptions = {}): ClientFactory<ErisClient> {
  return (setup) => new ErisAdapter(setup, options);
}
