import type { ClusterContract, EvalResult } from '../../core/contracts/ClusterContract.js';
import { shardIdOf } from '../../core/discord/shardIdOf.js';
import { evaluateCode } from '../../core/eval/evaluate.js';
import type { DataOf, ReplyOf } from '../../core/ipc/contract.js';
import type { ClusterContext } from '../ClusterContext.js';
import type { Command } from '../commands/Command.js';

type ToCluster = ClusterContract['toWorker'];

/** For each message of the master, what serves it. What it returns is the reply, what it throws is the error that the master gets. */
export type MasterEventTable = {
  readonly [Name in keyof ToCluster]: (
    data: DataOf<ToCluster, Name>,
  ) => ReplyOf<ToCluster, Name> | Promise<ReplyOf<ToCluster, Name>>;
};

export interface MasterEventDependencies
  extends Pick<MasterEventTable, 'releaseShards' | 'adoptShards' | 'getStats' | 'evaluate'> {
  readonly context: Pick<ClusterContext, 'clusterId' | 'client' | 'shardCount'>;
  readonly commands: readonly Command[];
  readonly logger: { level: string };
}

/** Every message that the master may send, and what the cluster does about it. */
export function masterEventTable({ context, commands, logger, ...served }: MasterEventDependencies): MasterEventTable {
  const { clusterId, client, shardCount } = context;
  return {
    ...served,
    describeCommands: () => commands.map(({ definition }) => definition),
    findGuild: ({ guildId }) => {
      const guild = client.guilds.get(guildId);
      if (guild === undefined) return null;
      const { id, name, memberCount, ownerID: ownerId } = guild;
      const shardId = shardIdOf(id, shardCount);
      return { id, name, memberCount, channelCount: guild.channels.size, ownerId, shardId, clusterId };
    },
    // A bot knows only some of the users of its guilds.
    findUser: ({ userId }) => {
      const user = client.users.get(userId);
      return user === undefined ? null : { id: user.id, username: user.username, bot: user.bot, clusterId };
    },
    findChannel: ({ channelId }) => {
      // eris throws on an empty id.
      const channel = channelId === '' ? undefined : client.getChannel(channelId);
      if (channel === undefined || !('guild' in channel) || !('name' in channel)) return null;
      return { id: channel.id, name: channel.name, type: channel.type, guildId: channel.guild.id, clusterId };
    },
    setLogLevel: ({ level }) => {
      // The logger throws on a level that it does not know.
      logger.level = level;
      return undefined;
    },
  };
}

/**
 * @param context what the code sees as `cluster`; the eris client is its `client`.
 * @param scrub takes the token out of what the code returned.
 * @returns what runs code in this cluster.
 */
export function evaluateIn(
  context: ClusterContext,
  scrub: (text: string) => string,
): (data: { code: string }) => Promise<EvalResult> {
  return async ({ code }) => ({
    target: `cluster ${context.clusterId}`,
    ...(await evaluateCode(code, { scope: { client: context.client, cluster: context }, scrub })),
  });
}
