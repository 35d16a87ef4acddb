/** What a bot's own master program needs: `kallisti/master`. */
export type {
  ClusterContract,
  ClusterStats,
  EvalResult,
  FleetStats,
  ShardStatus,
} from '../core/contracts/ClusterContract.js';
export { clusterCountFor, shardIdOfGuild, shardRanges } from '../core/discord/shardRanges.js';
export { Admin, type AdminOptions } from './admin/Admin.js';
export type { AdminFleet } from './admin/AdminContext.js';
export { ClusterConnection, type ClusterConnectionOptions } from './fleet/ClusterConnection.js';
export { ClusterPool, type ClusterPoolOptions } from './fleet/ClusterPool.js';
export { FleetCommands, type FleetCommandsOptions } from './fleet/FleetCommands.js';
export { Master, type MasterOptions, type StopParts } from './Master.js';
export { type RunMasterOptions, runMaster } from './runMaster.js';
