/** What a bot's own master program needs: `kallisti/master`. */
export type { ClusterContract, ClusterStats, FleetStats, ShardStatus } from '../core/contracts/ClusterContract.js';
export { clusterCountFor, shardIdOfGuild, shardRanges } from '../core/discord/shardRanges.js';
export { Admin, type AdminOptions } from './admin/Admin.js';
export type { AdminFleet } from './admin/AdminFleet.js';
export { ClusterEventService } from './events/ClusterEventService.js';
export { ClusterConnection, type ClusterConnectionOptions } from './fleet/ClusterConnection.js';
export { ClusterPool, type ClusterPoolOptions } from './fleet/ClusterPool.js';
export { Master, type MasterOptions } from './Master.js';
