import type { ClusterStatus, LiveStatus } from '../../../core/contracts/AdminApi.js';
import type { ClusterStats } from '../../../core/contracts/ClusterContract.js';

/** What one scrape is made of. */
export interface MetricsSnapshot {
  readonly status: LiveStatus;
  readonly clusters: readonly ClusterSnapshot[];
  /** Viewers of the event stream. */
  readonly viewers: number;
}

export interface ClusterSnapshot {
  readonly status: ClusterStatus;
  /** Undefined before it has answered for the first time in this life. */
  readonly stats: ClusterStats | undefined;
  readonly queuedBytes: number;
  readonly pendingRequests: number;
  /** Of all its lives since the master started, by cause. */
  readonly restarts: ReadonlyMap<string, number>;
}
