export { Hydration, type HydrationTarget } from './Hydration.js';
export { ShardStore, type ShardStoreOptions, type StoredSession } from './ShardStore.js';
export type { GuildVersions, StoredGuild } from './StoreReader.js';
