import { Client, ExtendedUser, type Shard, VERSION } from '@projectdysnomia/dysnomia';
import { restOptions } from '../../../core/discord/rest/restOptions.js';
import type { ClientSetup } from '../ClientAdapter.js';
import type { ErisLikeParts } from '../erisLike/ErisLikeAdapter.js';
import type { ErisLikeLibrary } from '../erisLike/ErisLikeLibrary.js';
import type { DysnomiaOptions } from './dysnomia.js';
import { repairInteraction } from './repairInteraction.js';

export const DYSNOMIA: ErisLikeLibrary = {
  name: 'dysnomia',
  version: VERSION,
  needs: '0.2.4',
  makeBotUser: (user, client) => new ExtendedUser(user, client as unknown as Client),
  repairInteraction,
  // dysnomia 0.2.4 forgets these, and then their timers throw, which would end the process.
  beforeReset: (shard) => {
    const { requestSoundboardSoundsPromise: requests } = shard as unknown as Shard;
    for (const { res, soundboardSounds, timeout } of Object.values(requests)) {
      clearTimeout(timeout);
      res(soundboardSounds);
    }
  },
};

/** @throws TypeError where the API's URL is none. */
export function createClient(setup: ClientSetup, options: DysnomiaOptions): ErisLikeParts<Client> {
  const { token, apiUrl, shardIds, shardCount } = setup;
  const rest = restOptions(apiUrl);
  const client = new Client(`Bot ${token}`, {
    ...options,
    ws: { ...Object(options.ws) },
    // Over plain http too: the agent knows how.
    rest: { ...options.rest, ...rest },
    gateway: {
      ...options.gateway,
      maxShards: shardCount,
      firstShardID: Math.min(...shardIds),
      lastShardID: Math.max(...shardIds),
    },
  });
  const { intents, largeThreshold, guildCreateTimeout } = client.shards.options;
  // What dysnomia makes of `compress` depends on what is installed beside it. It puts the agent for REST into `ws`.
  const { gateway: { compress } = {}, ws } = options;
  return {
    client,
    agent: rest.agent,
    library: DYSNOMIA,
    options: { intents, largeThreshold, guildCreateTimeout, compress, ws },
  };
}
