import type { ClusterState, ClusterStatus, IdentifyStatus, LiveStatus } from '../../core/contracts/AdminApi.js';
import { bytes, duration, plural, ranges, rate, UNKNOWN, whole } from '../../core/text/measures.js';
import { firstLine } from '../../core/text/messageOf.js';
import { type Paint, printable, type Screen } from '../Screen.js';
import { type Column, renderTable } from './table.js';

/** The colours and the width of the terminal. */
export type TextOptions = Pick<Screen, 'paint' | 'width'>;

/** @returns a summary, a row for each cluster, and below them the problems. */
export function statusText(status: LiveStatus, options: TextOptions): string {
  const { paint } = options;
  const parts = [summary(status, paint)];
  if (status.clusters.length > 0) parts.push(clusterTable(status, options));
  const problems = problemsOf(status).map((problem) => `${paint.yellow('!')} ${printable(problem)}`);
  if (problems.length > 0) parts.push(problems.join('\n'));
  return parts.join('\n\n');
}

/** Whether all clusters serve, and Discord refuses none of their shards. */
export function isWell({ phase, clusters }: LiveStatus): boolean {
  return (
    phase === 'running' &&
    clusters.length > 0 &&
    clusters.every(({ state, problem }) => state === 'ready' && problem === null) &&
    failedShards(clusters).length === 0
  );
}

function summary(status: LiveStatus, paint: Paint): string {
  const { master, totals, phase, clusters, shardCount } = status;
  const label = isWell(status) ? paint.green('ready') : paint.yellow(phase === 'running' ? 'not ready' : phase);
  const facts = [
    `${paint.bold('kallisti')} ${master.version}`,
    label,
    `master pid ${master.pid}`,
    `up ${duration(master.uptimeMs)}`,
    `Node ${master.nodeVersion}`,
    ...(master.localDiscord ? [paint.yellow('local Discord')] : []),
  ];
  const latency = totals.commandLatencyMs;
  const load = [
    `${totals.clustersReady}/${clusters.length} clusters`,
    `${totals.shardsReady}/${shardCount} shards`,
    ...sparesText(status),
    plural(totals.guilds, 'guild'),
    plural(totals.users, 'user'),
    `${rate(totals.eventsPerSecond)} events/s`,
    `${rate(totals.commandsPerSecond)} commands/s`,
    ...(latency === null ? [] : [`p50 ${duration(latency.p50)}, p99 ${duration(latency.p99)}`]),
    bytes(totals.rssBytes),
  ];
  return (
    [facts, load].map((line) => line.join(paint.dim(' · '))).join('\n') +
    identifyLine(status.identify, status.at, paint)
  );
}

/** An older master says nothing of spares. */
function sparesText({ spares }: Partial<Pick<LiveStatus, 'spares'>>): string[] {
  if (spares === undefined || spares === null || spares.ready + spares.loading === 0) return [];
  return [spares.ready > 0 ? plural(spares.ready, 'spare') : 'a spare loads'];
}

function identifyLine(identify: IdentifyStatus | null, now: number, paint: Paint): string {
  if (identify === null) return '';
  const { remaining, total, reserve, resetAt, waiting } = identify;
  const facts = [
    `${whole(remaining)} of ${whole(total)} IDENTIFYs left`,
    `${whole(reserve)} kept for crashes`,
    ...(resetAt === null || resetAt <= now ? [] : [`reset in ${duration(resetAt - now)}`]),
    ...(waiting.length === 0 ? [] : [`${plural(waiting.length, 'shard')} waiting`]),
  ];
  return `\n${facts.join(paint.dim(' · '))}`;
}

const STATE_COLORS: Readonly<Record<ClusterState, keyof Pick<Paint, 'green' | 'cyan' | 'yellow' | 'red'>>> = {
  ready: 'green',
  starting: 'cyan',
  waiting: 'cyan',
  draining: 'yellow',
  crashed: 'red',
  failed: 'red',
};

function clusterTable({ clusters }: LiveStatus, { paint, width }: TextOptions): string {
  const columns: Column<ClusterStatus>[] = [
    { title: 'CLUSTER', align: 'right', cell: ({ clusterId }) => String(clusterId) },
    { title: 'STATE', cell: (cluster) => stateText(cluster, paint) },
    { title: 'SHARDS', align: 'right', cell: ({ shards }) => `${countReady(shards)}/${shards.length}` },
    { title: 'GUILDS', align: 'right', cell: ({ guilds }) => whole(guilds) },
    { title: 'EVENTS/S', align: 'right', spare: 1, cell: ({ eventsPerSecond }) => rate(eventsPerSecond) },
    { title: 'CMDS/S', align: 'right', spare: 3, cell: ({ commandsPerSecond }) => rate(commandsPerSecond) },
    { title: 'CMD P99', align: 'right', spare: 4, cell: ({ commandLatencyMs: ms }) => duration(ms?.p99 ?? null) },
    { title: 'LAG P99', align: 'right', spare: 5, cell: ({ loopLag }) => duration(loopLag?.p99Ms ?? null) },
    { title: 'MEMORY', align: 'right', spare: 2, cell: ({ rssBytes }) => bytes(rssBytes) },
    { title: 'UPTIME', align: 'right', spare: 2, cell: ({ uptimeMs }) => duration(uptimeMs) },
    { title: 'LIFE', align: 'right', spare: 6, cell: ({ generation }) => String(generation) },
    { title: 'RESTARTS', align: 'right', spare: 3, cell: ({ restarts }) => String(restarts.count) },
    { title: 'PID', align: 'right', spare: 4, cell: ({ pid }) => (pid === null ? UNKNOWN : String(pid)) },
  ];
  return renderTable(clusters, columns, { width, paintTitle: paint.dim });
}

function stateText({ state, successor }: ClusterStatus, paint: Paint): string {
  const text = paint[STATE_COLORS[state]](state);
  return successor === null ? text : `${text} ${paint.cyan('(successor starts)')}`;
}

function failedShards(clusters: readonly ClusterStatus[]): readonly number[] {
  const shards = clusters.flatMap((cluster) => cluster.shards);
  return shards.filter(({ state }) => state === 'failed').map(({ shardId }) => shardId);
}

function countReady(shards: ClusterStatus['shards']): number {
  return shards.filter(({ state }) => state === 'ready').length;
}

/** One line for each problem, those of the whole bot first. */
function problemsOf({ phase, clusters, identify, restart, at }: LiveStatus): string[] {
  const inTime = (moment: number | null): string =>
    moment === null ? '' : `, tried again in ${duration(Math.max(0, moment - at))}`;
  const problems = clusters.flatMap(({ clusterId, state, problem, retryAt, restarts }) => {
    if (state === 'ready' && problem === null) return [];
    const last = restarts.recent[0];
    const why = problem ?? (state === 'crashed' || state === 'failed' ? last?.reason : undefined);
    if (why === undefined) return [];
    return [`cluster ${clusterId} ${state}: ${firstLine(why)}${inTime(retryAt)}`];
  });
  const refused = failedShards(clusters);
  if (refused.length > 0) {
    const ids = ranges(refused);
    problems.push(`Discord refuses shards ${ids}: in too many guilds (4011). Raise SHARD_COUNT to what it recommends`);
  }
  if (phase === 'starting') problems.unshift('the master is starting, no cluster runs yet');
  if (phase === 'stopping') problems.unshift('the master is stopping');
  const held = identify?.heldUp ?? null;
  if (held !== null) {
    const until = held.until === null ? '' : ` for ${duration(Math.max(0, held.until - at))}`;
    problems.push(`all IDENTIFYs are spent: shards ${ranges(held.shardIds)} wait${until}`);
  }
  if (restart?.outcome === 'rolling') {
    const done = restart.clusters.filter(({ state }) => state === 'replaced').length;
    problems.push(
      `a restart is under way, asked for by ${restart.requestedBy}: ${done} of ${restart.clusters.length} clusters replaced`,
    );
  }
  if (restart?.outcome === 'failed') {
    const failed = restart.clusters.find(({ state }) => state === 'failed');
    const why = failed === undefined ? '' : `: cluster ${failed.clusterId}: ${firstLine(failed.reason ?? '')}`;
    problems.push(`the last restart failed, ${duration(at - restart.startedAt)} ago${why}`);
  }
  return problems;
}
