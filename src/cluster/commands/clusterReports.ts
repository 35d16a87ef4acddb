import type { FleetStats } from '../../core/contracts/ClusterContract.js';
import type { ClusterContext } from '../ClusterContext.js';

/** What a cluster said about itself, or why it did not answer. */
export type ClusterReport = FleetStats['clusters'][number];

/** @returns the reports with those first that did not answer: where not all of them fit, these are the ones to see. */
export function silentFirst(reports: readonly ClusterReport[]): ClusterReport[] {
  return [...reports.filter((report) => 'error' in report), ...reports.filter((report) => !('error' in report))];
}

/** @returns what is wrong with the number of a cluster, in one sentence; undefined where there is such a cluster. */
export function checkCluster(
  clusterId: number,
  { clusterCount }: Pick<ClusterContext, 'clusterCount'>,
): string | undefined {
  if (clusterId >= 0 && clusterId < clusterCount) return undefined;
  return `There is no cluster ${clusterId}: this bot has ${clusterCount === 1 ? 'only cluster 0' : `clusters 0 to ${clusterCount - 1}`}.`;
}
