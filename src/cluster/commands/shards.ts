import type { ClusterStats, FleetStats } from '../../core/contracts/ClusterContract.js';
import { duration, plural } from '../../core/text/measures.js';
import { firstLine } from '../../core/text/messageOf.js';
import { defineCommand } from './Command.js';
import { checkCluster } from './checkCluster.js';
import { codeBlock } from './text/codeBlock.js';
import { MAX_MESSAGE_LENGTH } from './text/cutMessage.js';
import { fitLines } from './text/fitLines.js';

type ClusterReport = FleetStats['clusters'][number];

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
    // What did not answer comes first: where not all lines fit, these are the ones to see.
    const lines = [...wanted.filter(isSilent), ...wanted.filter((report) => !isSilent(report))].flatMap(describe);
    return invocation.reply(codeBlock(fitLines(lines, MAX_MESSAGE_LENGTH - 10)));
  },
});

const isSilent = (report: ClusterReport): boolean => 'error' in report;

function describe(report: ClusterReport): string[] {
  if ('error' in report) return [`cluster ${report.clusterId}: ${firstLine(report.error)}`];
  return [`cluster ${report.clusterId}`, ...report.shards.map(describeShard)];
}

function describeShard({ shardId, state, latencyMs, guilds }: ClusterStats['shards'][number]): string {
  const id = String(shardId).padStart(3);
  return `  shard ${id}  ${state.padEnd(12)}  ${duration(latencyMs).padStart(8)}  ${plural(guilds, 'guild')}`;
}
