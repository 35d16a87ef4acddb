import { defineCommand } from './Command.js';
import { checkCluster } from './clusterReports.js';

/**
 * Asks the master to restart one cluster or all. The master then edits the answer, because the process that gave it may be one
 * of those that are replaced.
 */
export const restart = defineCommand({
  definition: {
    name: 'restart',
    description: 'Restarts the clusters of the bot, one after the other.',
    options: [{ type: 4, name: 'cluster', description: 'Only this cluster.' }],
  },
  ownerOnly: true,
  // Where its process died, the restart has begun, or the crash was one.
  onCrash: 'drop',
  async run(invocation, context) {
    const { cluster } = invocation.options;
    const problem = cluster === undefined ? undefined : checkCluster(cluster, context);
    if (problem !== undefined) return invocation.reply(problem);
    // The answer comes first: the master's first edit must find it.
    await invocation.reply(cluster === undefined ? 'Restarting all clusters…' : `Restarting cluster ${cluster}…`);
    await context.master.request('restart', {
      ...(cluster === undefined ? {} : { clusterIds: [cluster] }),
      progress: invocation.progressTarget(),
      requestedBy: invocation.userId,
    });
  },
});
