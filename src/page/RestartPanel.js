/** @import { ClusterProgress, RestartStatus } from '../core/contracts/AdminApi.js' */
/** @import { ShardArrival } from '../core/contracts/ClusterContract.js' */
/** @import { View } from './dom.js' */
/** @import { Page } from './page.js' */
/** @import { Tone } from './states.js' */
import { create, get, KeyedChildren, setAttribute, setBadge, setText, setTone } from './dom.js';
import { duration, plural } from './format.js';

/** @type {Readonly<Record<RestartStatus['outcome'] | ClusterProgress['state'], [sign: string, tone: Tone]>>} */
const STATES = {
  rolling: ['↻', 'busy'],
  done: ['✓', 'ok'],
  failed: ['✕', 'bad'],
  stopped: ['–', 'warn'],
  waiting: ['…', 'none'],
  replacing: ['↻', 'busy'],
  checking: ['?', 'busy'],
  replaced: ['✓', 'ok'],
  skipped: ['–', 'warn'],
};

/** A longer pause may have been noticed. */
const LONG_PAUSE_MS = 3_000;

/** The rolling restart that is under way, or the last one: each cluster with the pauses of its shards. */
export class RestartPanel {
  /** @type {string | null} */
  #seen = null;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.root = get('restart', HTMLDetailsElement);
    this.title = get('restart-title');
    this.outcome = get('restart-outcome');
    this.summary = get('restart-summary');
    this.bar = get('restart-bar');
    this.pauses = get('restart-pauses');
    const byCluster = (/** @type {ClusterProgress} */ { clusterId }) => clusterId;
    this.segments = new KeyedChildren(this.bar, byCluster, makeSegment);
    this.rows = new KeyedChildren(get('restart-rows'), byCluster, makeRow);
  }

  /** @param {RestartStatus | null} restart */
  update(restart) {
    this.root.hidden = restart === null;
    if (restart === null) return;
    const done = restart.clusters.filter(({ state }) => state === 'replaced').length;
    this.#noticeChange(restart);
    setText(this.title, titleOf(restart));
    showState(this.outcome, restart.outcome);
    setText(
      this.summary,
      `${done} of ${restart.clusters.length} · ${duration(restart.durationMs)} · asked for by ${restart.requestedBy}`,
    );
    setAttribute(this.bar, 'aria-valuemax', `${restart.clusters.length}`);
    setAttribute(this.bar, 'aria-valuenow', `${done}`);
    this.segments.update(restart.clusters);
    setText(this.pauses, describePauses(restart.clusters.flatMap(({ arrivals }) => arrivals)));
    // The newest first, so that it is in view.
    this.rows.update(restart.clusters.filter(({ state }) => state !== 'waiting').toReversed());
  }

  /** Opens the panel when a restart begins, and says how it ended. @param {RestartStatus} restart */
  #noticeChange(restart) {
    const key = `${restart.id} ${restart.outcome}`;
    if (this.#seen === key) return;
    const first = this.#seen === null;
    this.#seen = key;
    if (restart.outcome === 'rolling' || restart.outcome === 'failed') this.root.open = true;
    if (first && restart.outcome !== 'rolling') return;
    this.page.announce(`${titleOf(restart)}: ${restart.outcome}`);
  }
}

/** @param {Element} badge @param {keyof typeof STATES} state */
function showState(badge, state) {
  const [sign, tone] = STATES[state];
  setBadge(badge, `${sign} ${state}`, tone);
}

/** @param {RestartStatus} restart */
function titleOf({ clusters }) {
  const [first] = clusters;
  return clusters.length === 1 && first !== undefined
    ? `Restart of cluster ${first.clusterId}`
    : `Restart of ${plural(clusters.length, 'cluster')}`;
}

/** @param {readonly ShardArrival[]} arrivals */
function describePauses(arrivals) {
  if (arrivals.length === 0) return 'No shard has been handed over yet.';
  const resumed = arrivals.filter(({ by }) => by === 'resumed').length;
  const pauses = arrivals.flatMap(({ pauseMs }) => (pauseMs === null ? [] : [pauseMs])).sort((a, b) => a - b);
  const median = pauses[Math.floor(pauses.length / 2)] ?? null;
  return (
    `${plural(arrivals.length, 'shard')}: ${resumed} resumed, ${arrivals.length - resumed} identified` +
    ` · pause: median ${duration(median)}, longest ${duration(pauses.at(-1) ?? null)}`
  );
}

/** @param {ClusterProgress} progress @returns {View<ClusterProgress>} */
function makeSegment({ clusterId }) {
  const root = create('span');
  return {
    root,
    update: ({ state }) => {
      setTone(root, STATES[state][1]);
      setAttribute(root, 'title', `Cluster ${clusterId}: ${state}`);
    },
  };
}

/** @returns {View<ClusterProgress>} */
function makeRow() {
  const badge = create('span', { class: 'badge' });
  const name = create('b');
  const took = create('span', { class: 'dim took' });
  const reason = create('span', { class: 'error' });
  const chips = create('ul', { class: 'chips' });
  const arrivals = new KeyedChildren(chips, ({ shardId }) => shardId, makeChip);
  return {
    root: create('li', {}, name, badge, took, reason, chips),
    update: (progress) => {
      setText(name, `Cluster ${progress.clusterId}`);
      showState(badge, progress.state);
      setText(took, progress.durationMs === null ? '' : duration(progress.durationMs));
      setText(reason, progress.reason ?? '');
      arrivals.update(progress.arrivals);
    },
  };
}

/** @returns {View<ShardArrival>} */
function makeChip() {
  const shard = create('span', { class: 'dim' });
  const pause = create('b');
  const root = create('li', { class: 'chip' }, shard, ' ', pause);
  return {
    root,
    update: ({ shardId, by, replayed, pauseMs }) => {
      setText(shard, `${shardId}`);
      setText(pause, `${by === 'identified' ? 'new ' : ''}${pauseMs === null ? '' : duration(pauseMs)}`);
      setTone(root, by === 'identified' || (pauseMs ?? 0) > LONG_PAUSE_MS ? 'warn' : 'ok');
      setAttribute(root, 'title', `Shard ${shardId}: ${by}, ${plural(replayed, 'event')} replayed`);
    },
  };
}
