import type { BotIdentity, InteractionData } from '../../../core/discord/packets.js';
import type { ErisLikeClient, ErisLikeShard } from './erisLikeInternals.js';

/** Where the libraries that descend from eris differ. */
export interface ErisLikeLibrary {
  readonly name: string;
  /** The installed one. */
  readonly version: string;
  /** The one that its adapter was written for. */
  readonly needs: string;
  makeBotUser(user: BotIdentity['user'], client: ErisLikeClient): NonNullable<ErisLikeClient['user']>;
  /** Makes an interaction from a guild or channel that is not in the cache digestible: the library would throw on it. */
  repairInteraction(client: ErisLikeClient, data: InteractionData): void;
  /** Before a shard forgets what it was waiting for: what the library itself would leave behind. */
  beforeReset(shard: ErisLikeShard): void;
}
