/** @import { LiveStatus } from '../core/contracts/AdminApi.js' */
/** @import { History } from './History.js' */
import { ChartTile } from './ChartTile.js';
import { get } from './dom.js';
import { formatBytes, formatCount, formatMs, formatMsNumber, formatRate } from './format.js';

/** @param {readonly (number | null)[]} values Of which those that are null at the end are left out. */
function formatLatencies(values) {
  const known = values.filter((value) => value !== null);
  return known.length < 2
    ? formatMs(known[0] ?? null)
    : `${formatMsNumber(known[0] ?? null)} / ${formatMs(known[1] ?? null)}`;
}

/** The numbers of the whole bot, each with its last hour. */
export class Totals {
  constructor() {
    const only =
      (/** @type {(value: number | null) => string} */ format) =>
      /** @param {readonly (number | null)[]} values */
      ([value = null]) =>
        format(value);
    this.shards = new ChartTile('Shards ready', ['shardsReady'], only(formatCount));
    this.guilds = new ChartTile('Guilds', ['guilds'], only(formatCount));
    this.events = new ChartTile('Events per second', ['eventsPerSecond'], only(formatRate));
    this.commands = new ChartTile('Commands per second', ['commandsPerSecond'], only(formatRate));
    this.latency = new ChartTile('Command p50 / p99', ['commandP99Ms', 'commandP50Ms'], ([p99 = null, p50 = null]) =>
      formatLatencies([p50, p99]),
    );
    this.gateway = new ChartTile('Gateway latency', ['shardLatencyMs'], only(formatMs));
    this.memory = new ChartTile('Memory', ['rssBytes'], only(formatBytes));
    this.tiles = [this.shards, this.guilds, this.events, this.commands, this.latency, this.gateway, this.memory];
    get('tiles').append(...this.tiles.map(({ root }) => root));
  }

  /** @param {LiveStatus} status */
  update({ totals, master, shardCount, clusters }) {
    this.shards.update(
      `${formatCount(totals.shardsReady)} / ${formatCount(shardCount)}`,
      `${totals.clustersReady} of ${clusters.length} clusters`,
    );
    this.guilds.update(formatCount(totals.guilds), `${formatCount(totals.users)} users cached`);
    this.events.update(formatRate(totals.eventsPerSecond), `${formatCount(totals.events)} in all`);
    this.commands.update(formatRate(totals.commandsPerSecond), `${formatCount(totals.commands)} in all`);
    const latency = totals.commandLatencyMs;
    this.latency.update(
      latency === null ? formatMs(null) : formatLatencies([latency.p50, latency.p99]),
      'last 5 min: median, worst',
    );
    this.gateway.update(formatMs(totals.shardLatencyMs), 'mean of heartbeats');
    this.memory.update(formatBytes(totals.rssBytes), `${formatBytes(master.rssBytes)} master`);
  }

  /** @param {History} history */
  draw(history) {
    for (const tile of this.tiles) tile.draw(history);
  }
}
