import type { ClusterStats, FleetStats } from '../../core/contracts/ClusterContract.js';
import { bytes, duration, plural } from '../../core/text/measures.js';
import { firstLine } from '../../core/text/messageOf.js';
import { defineCommand } from './Command.js';
import { type ClusterReport, silentFirst } from './clusterReports.js';
import { linesBlock, MAX_MESSAGE_LENGTH } from './text/messageText.js';

/** Shows the whole fleet: totals, then a line for each cluster. One that did not answer is shown with its error. */
export const stats = defineCommand({
  definition: { name: 'stats', description: 'Shows the clusters of the bot and what they do.' },
  async run(invocation, context) {
    const fleet = await context.master.request('getFleetStats', undefined);
    const totals = describeTotals(fleet);
    const lines = silentFirst(fleet.clusters).map(describe);
    const room = MAX_MESSAGE_LENGTH - totals.length - 1;
    await invocation.reply(lines.length === 0 ? totals : `${totals}\n${linesBlock(lines, room)}`);
  },
});

function describeTotals({ clusters, shardCount, masterPid, masterRssBytes, ...master }: FleetStats): string {
  const speaking = clusters.filter((report): report is ClusterStats => !('error' in report));
  const sum = (measure: (report: ClusterStats) => number) =>
    speaking.reduce((total, report) => total + measure(report), 0);
  const count = (measure: 'guilds' | 'users' | 'events' | 'commands') =>
    plural(
      sum((report) => report[measure]),
      measure.slice(0, -1),
    );
  const ready = sum(({ shards }) => shards.filter(({ state }) => state === 'ready').length);
  const memory = bytes(sum(({ rssBytes }) => rssBytes) + masterRssBytes);
  const up = duration(master.masterUptimeMs);
  const identifies = master.identifiesRemaining ?? 'unknown';
  return [
    `**${plural(clusters.length, 'cluster')}**, ${ready} of ${plural(shardCount, 'shard')} ready · ${count('guilds')} · ${count('users')}`,
    `${count('events')} · ${count('commands')}${describeSlowest(speaking)}`,
    `${memory} in all · master: pid ${masterPid}, ${bytes(masterRssBytes)}, up ${up} · identifies left: ${identifies}`,
  ].join('\n');
}

/** Percentiles of several processes cannot be merged exactly. Those of the slowest one are never better than the truth. */
function describeSlowest(speaking: readonly ClusterStats[]): string {
  const measured = speaking.flatMap(({ commandLatencyMs }) => commandLatencyMs ?? []);
  if (measured.length === 0) return '';
  const [p50, p99] = [Math.max(...measured.map((each) => each.p50)), Math.max(...measured.map((each) => each.p99))];
  return ` (on the slowest cluster p50 ${duration(p50)}, p99 ${duration(p99)})`;
}

function describe(report: ClusterReport): string {
  if ('error' in report) return `cluster ${report.clusterId}: ${firstLine(report.error)}`;
  const { clusterId, pid, shards, guilds, users, events, commands, commandLatencyMs, rssBytes, uptimeMs } = report;
  const ready = shards.filter(({ state }) => state === 'ready').length;
  const latency = `p50 ${duration(commandLatencyMs?.p50)}, p99 ${duration(commandLatencyMs?.p99)}`;
  return (
    `cluster ${clusterId}: pid ${pid}, ${ready}/${shards.length} shards, ${guilds} guilds, ${users} users, ${events} events, ` +
    `${commands} commands, ${latency}, ${bytes(rssBytes)}, up ${duration(uptimeMs)}`
  );
}
