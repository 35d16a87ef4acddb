/** @import { HistorySample, LiveStatus, StatusHistory } from '../core/contracts/AdminApi.js' */
import { ChartTile } from './ChartTile.js';
import { get } from './dom.js';
import { bytes, duration, plainMs, plural, rate, UNKNOWN, whole } from './format.js';

const HOUR_MS = 3_600_000;

/** The numbers of the whole bot, each with the samples of its last hour. */
export class Totals {
  #stepMs = 10_000;
  /** Oldest first. @type {readonly HistorySample[]} */
  #samples = [];
  #isDrawn = true;

  constructor() {
    const only =
      (/** @type {(value: number | null) => string} */ format) =>
      /** @param {readonly (number | null)[]} values */
      ([value = null]) =>
        format(value);
    this.shards = new ChartTile('Shards ready', ['shardsReady'], only(whole));
    this.guilds = new ChartTile('Guilds', ['guilds'], only(whole));
    this.events = new ChartTile('Events per second', ['eventsPerSecond'], only(rate));
    this.commands = new ChartTile('Commands per second', ['commandsPerSecond'], only(rate));
    this.latency = new ChartTile('Command p50 / p99', ['commandP99Ms', 'commandP50Ms'], ([p99 = null, p50 = null]) =>
      p50 === null ? duration(p99) : latencies(p50, p99),
    );
    this.gateway = new ChartTile('Gateway latency', ['shardLatencyMs'], only(duration));
    this.memory = new ChartTile('Memory', ['rssBytes'], only(bytes));
    this.tiles = [this.shards, this.guilds, this.events, this.commands, this.latency, this.gateway, this.memory];
    get('tiles').append(...this.tiles.map(({ root }) => root));
  }

  /** @param {LiveStatus} status */
  update({ totals, master, shardCount, clusters, spares }) {
    this.shards.update(
      `${whole(totals.shardsReady)} / ${whole(shardCount)}`,
      `${totals.clustersReady} of ${clusters.length} clusters${spares === null || spares.ready === 0 ? '' : `, ${plural(spares.ready, 'spare')}`}`,
    );
    this.guilds.update(whole(totals.guilds), `${whole(totals.users)} users cached`);
    this.events.update(rate(totals.eventsPerSecond), `${whole(totals.events)} in all`);
    this.commands.update(rate(totals.commandsPerSecond), `${whole(totals.commands)} in all`);
    const latency = totals.commandLatencyMs;
    this.latency.update(latency === null ? UNKNOWN : latencies(latency.p50, latency.p99), 'last 5 min: median, worst');
    this.gateway.update(duration(totals.shardLatencyMs), 'mean of heartbeats');
    this.memory.update(bytes(totals.rssBytes), `${bytes(master.rssBytes)} master`);
  }

  /** @param {StatusHistory} history */
  replaceHistory({ stepMs, ...columns }) {
    this.#stepMs = stepMs;
    const fields = /** @type {(keyof HistorySample)[]} */ (Object.keys(columns));
    this.#samples = columns.at.map((_, index) => {
      const sample = fields.map((field) => [field, columns[field]?.[index] ?? null]);
      return /** @type {HistorySample} */ (Object.fromEntries(sample));
    });
    this.#isDrawn = false;
  }

  /** @param {HistorySample} sample */
  append(sample) {
    const last = this.#samples.at(-1);
    // The stream's history may already hold the sample that follows it.
    if (last !== undefined && sample.at <= last.at) return;
    this.#samples = [...this.#samples.filter(({ at }) => at > sample.at - HOUR_MS), sample];
    this.#isDrawn = false;
  }

  /** Draws the history where it has changed. */
  draw() {
    if (this.#isDrawn) return;
    this.#isDrawn = true;
    for (const tile of this.tiles) tile.draw(this.#samples, this.#stepMs);
  }
}

/** @param {number} p50 @param {number | null} p99 */
function latencies(p50, p99) {
  return p99 === null ? duration(p50) : `${plainMs(p50)} / ${duration(p99)}`;
}
