import { Client, ExtendedUser, VERSION } from 'eris';
import { restOptions } from '../../../core/discord/rest/restOptions.js';
import type { ClientSetup } from '../ClientAdapter.js';
import type { ErisLikeParts } from '../erisLike/ErisLikeAdapter.js';
import type { ErisLikeLibrary } from '../erisLike/ErisLikeLibrary.js';
import type { ErisOptions } from './eris.js';
import { repairInteraction } from './repairInteraction.js';

const DEFAULT_INTENTS = ['guilds', 'guildMessages', 'directMessages'] as const;

export const ERIS: ErisLikeLibrary = {
  name: 'eris',
  version: VERSION,
  needs: '0.18.0',
  makeBotUser: (user, client) => new ExtendedUser(user, client as unknown as Client),
  repairInteraction,
  beforeReset: () => {},
};

/** @throws TypeError where the API's URL is none. */
export function createClient(setup: ClientSetup, options: ErisOptions): ErisLikeParts<Client> {
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
  // What eris makes of the option depends on what is installed beside it.
  const { compress } = clientOptions;
  return { client, agent: rest.agent, library: ERIS, options: { ...client.options, compress } };
}
