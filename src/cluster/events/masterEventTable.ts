import type { ClusterContract, EvalResult } from '../../core/contracts/ClusterContract.js';
import { shardIdOf } from '../../core/discord/shardIdOf.js';
import { evaluateCode } from '../../core/eval/evaluate.js';
import type { DataOf, ReplyOf } from '../../core/ipc/contract.js';
import type { ClusterContext } from '../ClusterContext.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';
import type { Command } from '../commands/Command.js';

type ToCluster = ClusterContract['toWorker'];

/** For each message of the master, what serves it. What it returns is the reply, what it throws is the error that the master gets. */
export type MasterEventTable = {
  readonly [Name in keyof ToCluster]: (
    data: DataOf<ToCluster, Name>,
  ) => ReplyOf<ToCluster, Name> | Promise<ReplyOf<ToCluster, Name>>;
};

/** What serves some of the messages comes from elsewhere. */
export interface MasterEventDependencies
  extends Pick<MasterEventTable, 'releaseShards' | 'adoptShards' | 'getStats' | 'evaluate' | 'runJob'> {
  readonly clusterId: number;
  readonly shardCount: number;
  readonly client: Pick<ClientAdapter, 'lookUp'>;
  readonly commands: readonly Command[];
  readonly logger: { level: string };
}

/** Every message that the master may send, and what the cluster does about it. */
export function masterEventTable(dependencies: MasterEventDependencies): MasterEventTable {
  const { clusterId, shardCount, client, commands, logger, ...served } = dependencies;
  return {
    ...served,
    describeCommands: () => commands.map(({ definition }) => definition),
    findGuild: ({ guildId }) => {
      const guild = client.lookUp('guild', guildId);
      return guild && { ...guild, shardId: shardIdOf(guild.id, shardCount), clusterId };
    },
    // A bot knows only some of the users of its guilds.
    findUser: ({ userId }) => {
      const user = client.lookUp('user', userId);
      return user && { ...user, clusterId };
    },
    findChannel: ({ channelId }) => {
      const channel = client.lookUp('channel', channelId);
      return channel && { ...channel, clusterId };
    },
    setLogLevel: ({ level }) => {
      // The logger throws on a level that it does not know.
      logger.level = level;
      return undefined;
    },
  };
}

/**
 * @param context what the code sees as `cluster`; the bot's client is its `client`.
 * @param scrub takes the token out of what the code returned.
 * @returns what runs code in this cluster.
 */
export function evaluateIn(
  context: ClusterContext<unknown>,
  scrub: (text: string) => string,
): (data: { code: string }) => Promise<EvalResult> {
  return async ({ code }) => ({
    target: `cluster ${context.clusterId}`,
    ...(await evaluateCode(code, { scope: { client: context.client, cluster: context }, scrub })),
  });
}
