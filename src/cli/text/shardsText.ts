import type { ClusterStatus, ShardOverview } from '../../core/contracts/AdminApi.js';
import type { ShardState } from '../../core/contracts/ClusterContract.js';
import { duration, UNKNOWN, whole } from '../../core/text/measures.js';
import type { Paint } from '../Screen.js';
import type { TextOptions } from './statusText.js';
import { type Column, renderTable } from './table.js';

type Row = ShardOverview & { readonly clusterId: number };

const STATE_COLORS: Readonly<Record<ShardState, keyof Pick<Paint, 'green' | 'cyan' | 'yellow' | 'red'>>> = {
  ready: 'green',
  waiting: 'cyan',
  connecting: 'cyan',
  resuming: 'cyan',
  idle: 'yellow',
  released: 'yellow',
  disconnected: 'red',
  failed: 'red',
};

/** @returns a row for each shard; `now` as the master counts it. */
export function shardsText(clusters: readonly ClusterStatus[], now: number, { paint, width }: TextOptions): string {
  const rows = clusters.flatMap(({ clusterId, shards }) => shards.map((shard): Row => ({ ...shard, clusterId })));
  rows.sort((a, b) => a.shardId - b.shardId);
  const columns: Column<Row>[] = [
    { title: 'SHARD', align: 'right', cell: ({ shardId }) => String(shardId) },
    { title: 'CLUSTER', align: 'right', spare: 1, cell: ({ clusterId }) => String(clusterId) },
    { title: 'STATE', cell: ({ state }) => paint[STATE_COLORS[state]](state) },
    { title: 'LATENCY', align: 'right', cell: ({ latencyMs }) => duration(latencyMs) },
    { title: 'GUILDS', align: 'right', cell: ({ guilds }) => whole(guilds) },
    { title: 'CAME UP BY', spare: 3, cell: ({ lastArrival }) => lastArrival?.by ?? UNKNOWN },
    { title: 'AGO', align: 'right', spare: 3, cell: ({ lastArrival }) => ago(lastArrival?.at, now) },
    { title: 'REPLAYED', align: 'right', spare: 2, cell: ({ lastArrival }) => whole(lastArrival?.replayed ?? null) },
    { title: 'PAUSE', align: 'right', spare: 2, cell: ({ lastArrival }) => duration(lastArrival?.pauseMs ?? null) },
  ];
  return renderTable(rows, columns, { width, paintTitle: paint.dim });
}

function ago(at: number | undefined, now: number): string {
  return at === undefined ? UNKNOWN : duration(Math.max(0, now - at));
}
