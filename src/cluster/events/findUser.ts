import type { UserSummary } from '../../core/contracts/ClusterContract.js';
import type { ClusterContext } from '../ClusterContext.js';

/** Serves `findUser`: the user if this cluster has seen it; a bot knows only some of the users of its guilds. */
export const findUser =
  ({ clusterId, client }: Pick<ClusterContext, 'clusterId' | 'client'>) =>
  ({ userId }: { userId: string }): UserSummary | null => {
    const user = client.users.get(userId);
    if (user === undefined) return null;
    return { id: user.id, username: user.username, bot: user.bot, clusterId };
  };
