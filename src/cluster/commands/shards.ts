import type { ClusterStats } from '../../core/contracts/ClusterContract.js';
import { duration, plural } from '../../core/text/measures.js';
import { firstLine } from '../../core/text/messageOf.js';
import { defineCommand } from './Command.js';
import { type ClusterReport, checkCluster, silentFirst } from './clusterReports.js';
import { linesBlock, MAX_MESSAGE_LENGTH } from './text/messageText.js';

/** Shows every shard of one cluster, or of all. */
export const shards = defineCommand({
  definition: {
    name: 'shards',
    description: 'Shows the state, latency and guilds of each shard.',
    options: [{ type: 4, name: 'cluster', description: 'Only the shards of this cluster.' }],
  },
  async run(invocation, context) {
    const { cluster } = invocation.options;
    const problem = cluster === undefined ? undefined : checkCluster(cluster, context);
    if (problem !== undefined) return invocation.reply(problem);

    const { clusters } = await context.master.request('getFleetStats', undefined);
    const wanted = clusters.filter(({ clusterId }) => cluster === undefined || clusterId === cluster);
    if (wanted.length === 0) return invocation.reply('No cluster is running yet.');
    return invocation.reply(linesBlock(silentFirst(wanted).flatMap(describe), MAX_MESSAGE_LENGTH));
  },
});

function describe(report: ClusterReport): string[] {
  if ('error' in report) return [`cluster ${report.clusterId}: ${firstLine(report.error)}`];
  return [`cluster ${report.clusterId}`, ...report.shards.map(describeShard)];
}

function describeShard({ shardId, state, latencyMs, guilds }: ClusterStats['shards'][number]): string {
  const id = String(shardId).padStart(3);
  return `  shard ${id}  ${state.padEnd(12)}  ${duration(latencyMs).padStart(8)}  ${plural(guilds, 'guild')}`;
}
