/** @import { ClusterStatus, RestartRecord } from '../core/contracts/AdminApi.js' */
/** @import { Page } from './page.js' */
import { create, createButton, Facts, KeyedChildren, setBadge, setText, setTone } from './dom.js';
import { bytes, duration, plainMs, plural, ranges, rate, UNKNOWN, whole } from './format.js';
import { CAUSES, CLUSTER_STATES } from './states.js';

/** One cluster: its state, its numbers, its restarts. */
export class ClusterCard {
  #now = 0;

  /** @param {number} clusterId @param {Page} page */
  constructor(clusterId, page) {
    this.badge = create('span', { class: 'badge' });
    this.facts = new Facts([
      ['Guilds'],
      ['Events/s'],
      ['Commands/s'],
      ['p50 / p99 ms', 'Commands of the last 5 min, to the acknowledged answer: median / 99th percentile'],
      ['Memory', 'Resident memory of its process'],
      ['Uptime'],
      ['Pid'],
      ['Loop lag ms', 'Event loop, over the last seconds: median / 99th percentile'],
    ]);
    this.shards = create('p', { class: 'dim wrap' });
    this.note = create('p', { class: 'note', hidden: '' });
    this.restartCount = create('summary');
    this.restartList = create('ol');
    this.restarts = create('details', { class: 'restarts' }, this.restartCount, this.restartList);
    /** @type {KeyedChildren<RestartRecord>} */
    this.records = new KeyedChildren(
      this.restartList,
      ({ at, cause }) => `${at} ${cause}`,
      () => {
        const root = create('li');
        return { root, update: (record) => setText(root, describeRestart(record, this.#now)) };
      },
    );
    const logs = createButton('Logs', `Logs of cluster ${clusterId}`, () => page.logs.open(`${clusterId}`));
    const restart = createButton('Restart', `Restart cluster ${clusterId}`, () => page.dialog.ask(clusterId));
    this.root = create(
      'li',
      { class: 'panel card', id: `cluster-${clusterId}`, tabindex: '-1' },
      create('div', { class: 'heading' }, create('h3', {}, `Cluster ${clusterId}`), this.badge, logs, restart),
      this.note,
      this.facts.root,
      this.shards,
      this.restarts,
    );
  }

  /** @param {ClusterStatus} cluster @param {number} now */
  render(cluster, now) {
    this.#now = now;
    const { sign, tone } = CLUSTER_STATES[cluster.state];
    setBadge(this.badge, `${sign} ${cluster.state}`, tone);
    setTone(this.root, cluster.problem !== null && tone === 'ok' ? 'warn' : tone);
    this.#renderFacts(cluster);
    this.#renderNote(cluster, now);
    this.#renderShards(cluster);
    this.#renderRestarts(cluster, now);
  }

  /** @param {ClusterStatus} cluster */
  #renderFacts(cluster) {
    const { commandLatencyMs, loopLag } = cluster;
    this.facts.update(
      whole(cluster.guilds),
      rate(cluster.eventsPerSecond),
      rate(cluster.commandsPerSecond),
      pair(commandLatencyMs?.p50, commandLatencyMs?.p99),
      bytes(cluster.rssBytes),
      duration(cluster.uptimeMs),
      cluster.pid === null ? UNKNOWN : `${cluster.pid}`,
      pair(loopLag?.p50Ms, loopLag?.p99Ms),
    );
  }

  /** @param {ClusterStatus} cluster @param {number} now */
  #renderNote({ problem, retryAt, successor }, now) {
    const parts = [];
    if (problem !== null) parts.push(problem);
    if (retryAt !== null) parts.push(retryAt > now ? `next try in ${duration(retryAt - now)}` : 'next try now');
    if (successor !== null) {
      const pid = successor.pid === null ? '' : ` (pid ${successor.pid})`;
      parts.push(`successor${pid} ${successor.state}`);
    }
    this.note.hidden = parts.length === 0;
    setText(this.note, parts.join(' · '));
  }

  /** @param {ClusterStatus} cluster */
  #renderShards({ shards, resumable, generation }) {
    const ready = shards.filter(({ state }) => state === 'ready').length;
    const ids = ranges(shards.map(({ shardId }) => shardId));
    const noun = shards.length === 1 ? 'Shard' : 'Shards';
    const resume = resumable === null ? '' : ` · ${resumable} resumable`;
    setText(this.shards, `${noun} ${ids} · ${ready} of ${shards.length} ready${resume} · process ${generation}`);
  }

  /** @param {ClusterStatus} cluster @param {number} now */
  #renderRestarts({ restarts: { count, recent } }, now) {
    const [last] = recent;
    this.restarts.hidden = count === 0;
    if (count === 0) return;
    const why = last === undefined ? '' : `, last: ${describeRestart(last, now)}`;
    setText(this.restartCount, `${plural(count, 'restart')}${why}`);
    if (this.restarts.open || this.restartList.childElementCount !== recent.length) this.records.update(recent);
  }
}

/** @param {RestartRecord} record @param {number} now */
function describeRestart({ at, cause, reason }, now) {
  return `${CAUSES[cause] ?? cause} ${duration(now - at)} ago: ${reason}`;
}

/** @param {number | undefined} first @param {number | undefined} second */
function pair(first, second) {
  if (first === undefined || second === undefined) return UNKNOWN;
  return `${plainMs(first)} / ${plainMs(second)}`;
}
