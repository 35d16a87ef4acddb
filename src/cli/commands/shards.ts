import type { ShardOverview } from '../../core/contracts/AdminApi.js';
import type { ShardState } from '../../core/contracts/ClusterContract.js';
import { duration, UNKNOWN, whole } from '../../core/text/measures.js';
import { type CliCommand, parseWhole } from '../CliCommand.js';
import type { CliContext } from '../CliContext.js';
import { EXIT_CODES, type ExitCode } from '../exitCodes.js';
import type { Paint } from '../Screen.js';
import type { TextOptions } from '../text/statusText.js';
import { type Column, renderTable } from '../text/table.js';

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

export const shardsCommand: CliCommand = ({ program, action }) => {
  program
    .command('shards')
    .description('Shows every shard, or those of one cluster: state, latency, guilds, and how it last came up.')
    .argument('[cluster]', 'id of a cluster', parseWhole)
    .addHelpText(
      'after',
      `
Examples:
  kallisti shards
  kallisti shards 2
  kallisti shards --json | jq 'map(select(.state != "ready") | .shardId)'`,
    )
    .action(action<object, [number | undefined]>((context, _flags, clusterId) => show(context, clusterId)));
};

async function show(context: CliContext, clusterId: number | undefined): Promise<ExitCode> {
  const { screen, signal } = context;
  const { clusters, at } = await context.connect().request('GET /api/status', { signal });
  const wanted = clusterId === undefined ? clusters : clusters.filter((cluster) => cluster.clusterId === clusterId);
  if (clusterId !== undefined && wanted.length === 0) {
    screen.note(
      `there is no cluster ${clusterId}; there are ${clusters.map((cluster) => cluster.clusterId).join(', ')}`,
    );
    if (context.isJson) screen.json([]);
    return EXIT_CODES.failed;
  }
  const rows = wanted.flatMap(({ clusterId: id, shards }) => shards.map((shard): Row => ({ clusterId: id, ...shard })));
  context.show(rows, () => shardsText(rows, at, screen));
  return EXIT_CODES.done;
}

/** @returns a table with a row for each shard. @param now by the master's clock. */
function shardsText(rows: readonly Row[], now: number, { paint, width }: TextOptions): string {
  const sorted = rows.toSorted((a, b) => a.shardId - b.shardId);
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
  return renderTable(sorted, columns, { width, paintTitle: paint.dim });
}

function ago(at: number | undefined, now: number): string {
  return at === undefined ? UNKNOWN : duration(Math.max(0, now - at));
}
