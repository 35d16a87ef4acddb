import type { ClusterContract } from '../../core/contracts/ClusterContract.js';
import { WorkerPoolEventService } from '../../core/services/WorkerPoolEventService.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';

/** A service for one message that clusters send. */
export abstract class ClusterEventService<
  Name extends keyof ClusterContract['toMaster'],
> extends WorkerPoolEventService<ClusterConnection, Name> {}
