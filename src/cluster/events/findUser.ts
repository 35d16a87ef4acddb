import type { UserSummary } from '../../core/contracts/ClusterContract.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';

/** Serves `findUser`: the user if this cluster has seen it; a bot knows only some of the users of its guilds. */
export const findUser =
  (client: Pick<ClientAdapter, 'lookUp'>, clusterId: number) =>
  ({ userId }: { userId: string }): UserSummary | null => {
    const user = client.lookUp('user', userId);
    return user === null ? null : { ...user, clusterId };
  };
