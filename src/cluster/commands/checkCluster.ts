import type { ClusterContext } from '../ClusterContext.js';

/** @returns what is wrong with the number of a cluster, in one sentence; undefined where there is such a cluster. */
export function checkCluster(
  clusterId: number,
  { clusterCount }: Pick<ClusterContext, 'clusterCount'>,
): string | undefined {
  if (clusterId >= 0 && clusterId < clusterCount) return undefined;
  return `There is no cluster ${clusterId}: this bot has ${clusterCount === 1 ? 'only cluster 0' : `clusters 0 to ${clusterCount - 1}`}.`;
}
