import type { ClusterAssignment } from '../../core/contracts/ClusterContract.js';
import { DiscordRefusedError } from '../../core/errors.js';
import type { ClusterConnection } from '../fleet/ClusterConnection.js';
import type { FleetCommands } from '../fleet/FleetCommands.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import type { JobScheduler } from '../jobs/JobScheduler.js';
import type { Handover } from '../restart/Handover.js';
import type { ProcessEnds } from '../supervision/ProcessEnds.js';
import type { Supervisor } from '../supervision/Supervisor.js';
import type { ClusterEventTable } from './ClusterEvents.js';

export interface ClusterEventDependencies {
  readonly assign: (cluster: ClusterConnection) => ClusterAssignment;
  readonly ends: Pick<ProcessEnds, 'find'>;
  readonly handover: Pick<Handover, 'acquireShards'>;
  readonly jobs: Pick<JobScheduler, 'declare' | 'runEnded'>;
  readonly queue: Pick<IdentifyQueue, 'acquire' | 'release'>;
  readonly supervisor: Pick<Supervisor, 'refuse' | 'reportDeaf'>;
  readonly fleet: FleetCommands;
}

/** What the master does about each message that a cluster may send. */
export function clusterEventTable(parts: ClusterEventDependencies): ClusterEventTable {
  const { assign, ends, handover, jobs, queue, supervisor, fleet } = parts;
  return {
    getAssignment: (cluster) => assign(cluster),
    getProcessEnd: (_cluster, { pid }) => ends.find(pid),
    acquireShards: (cluster) => handover.acquireShards(cluster),
    acquireSlot: async (cluster, { shardId }, signal) => {
      const slot = await queue.acquire({ shardId, holder: cluster.holder, signal });
      // The cluster gave up between the grant and this line, so nobody else would give the slot back.
      if (signal.aborted) slot.release(false);
      else cluster.slots++;
      return { slotId: slot.id };
    },
    releaseSlot: (cluster, { slotId, used }) => {
      if (!used) cluster.slots--;
      queue.release(slotId, used);
      return undefined;
    },
    declareJobs: (cluster, declaration) => jobs.declare(cluster, declaration),
    jobRunEnded: (cluster, end) => jobs.runEnded(cluster, end),
    discordRefused: (_cluster, { message }) => void supervisor.refuse(new DiscordRefusedError(message)),
    shardDeaf: (cluster, { reason }) => void supervisor.reportDeaf(cluster, reason),
    findGuild: (_cluster, { guildId }) => fleet.findGuild(guildId),
    findUser: (_cluster, { userId }) => fleet.findUser(userId),
    findChannel: (_cluster, { channelId }) => fleet.findChannel(channelId),
    evaluate: (_cluster, { code, target }) => fleet.evaluate(code, target),
    getFleetStats: () => fleet.stats(),
    restart: (_cluster, request) => fleet.restart(request),
    setLogLevel: async (_cluster, { level }) => void (await fleet.setLogLevel(level)),
  };
}
