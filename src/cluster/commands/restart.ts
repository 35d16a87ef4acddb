import { defineCommand } from './Command.js';
import { checkCluster } from './checkCluster.js';

/**
 * Has the master restart one cluster or all. From then on the master edits the answer: the process that gave it may be one of
 * those that are replaced.
 */
export const restart = defineCommand({
  definition: {
    name: 'restart',
    description: 'Restarts the clusters of the bot, one after the other.',
    options: [{ type: 4, name: 'cluster', description: 'Only this cluster.' }],
  },
  ownerOnly: true,
  // Its process died: what was asked for has begun, or a crash has done it.
  onCrash: 'drop',
  async run(invocation, context) {
    const { cluster } = invocation.options;
    const problem = cluster === undefined ? undefined : checkCluster(cluster, context);
    if (problem !== undefined) return invocation.reply(problem);
    // First the answer, then the request: its first edit must find an answer to edit.
    await invocation.reply(cluster === undefined ? 'Restarting all clusters…' : `Restarting cluster ${cluster}…`);
    await context.master.request('restart', {
      ...(cluster === undefined ? {} : { clusterIds: [cluster] }),
      progress: invocation.progressTarget(),
      requestedBy: invocation.userId,
    });
  },
});
