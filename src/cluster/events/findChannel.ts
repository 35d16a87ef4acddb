import type { ChannelSummary } from '../../core/contracts/ClusterContract.js';
import type { ClientAdapter } from '../clients/ClientAdapter.js';

/** Serves `findChannel`: the channel or thread if it is in a guild of this cluster. */
export const findChannel =
  (client: Pick<ClientAdapter, 'lookUp'>, clusterId: number) =>
  ({ channelId }: { channelId: string }): ChannelSummary | null => {
    const channel = client.lookUp('channel', channelId);
    return channel === null ? null : { ...channel, clusterId };
  };
