/** What a bot's own master program needs: `kallisti/master`. */
export type { ClusterContract, ClusterStats, FleetStats, ShardStatus } from '../core/contracts/ClusterContract.js';
export { Admin, type AdminOptions } from './admin/Admin.js';
export type { AdminFleet } from './admin/AdminFleet.js';
export { ClusterConnection, type ClusterConnectionOptions } from './ClusterConnection.js';
export { ClusterPool, type ClusterPoolOptions } from './ClusterPool.js';
export { ClusterEventService } from './events/ClusterEventService.js';
export { Master, type MasterOptions, type StopParts } from './Master.js';
export { type RunMasterOptions, runMaster } from './runMaster.js';
export { clusterCountFor, shardIdOfGuild, shardRanges } from './shardRanges.js';
