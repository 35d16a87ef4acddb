/** @import { ClusterStatus, LiveStatus } from '../core/contracts/AdminApi.js' */
/** @import { Page } from './page.js' */
import { ClusterCard } from './ClusterCard.js';
import { get, KeyedChildren, setText } from './dom.js';

/** How often cards may change places. */
const REORDER_MS = 10_000;

/** @type {Readonly<Record<string, (cluster: ClusterStatus) => number | null>>} Larger numbers stand first. */
const ORDERS = {
  clusterId: ({ clusterId }) => -clusterId,
  rssBytes: ({ rssBytes }) => rssBytes,
  loopLag: ({ loopLag }) => loopLag?.p99Ms ?? null,
  latency: ({ commandLatencyMs }) => commandLatencyMs?.p99 ?? null,
  eventsPerSecond: ({ eventsPerSecond }) => eventsPerSecond,
  guilds: ({ guilds }) => guilds,
  restarts: ({ restarts }) => restarts.count,
};

/** The clusters as cards, in an order that the viewer picks. */
export class ClusterCards {
  /** @type {LiveStatus | undefined} */
  #status;
  /** @type {Map<number, number>} */
  #places = new Map();
  #orderedAt = Number.NEGATIVE_INFINITY;
  #now = 0;

  /** @param {Page} page */
  constructor(page) {
    this.list = get('clusters');
    this.empty = get('clusters-empty');
    this.onlyTroubled = get('only-troubled', HTMLInputElement);
    this.order = get('cluster-order', HTMLSelectElement);
    /** @type {KeyedChildren<ClusterStatus>} */
    this.cards = new KeyedChildren(
      this.list,
      ({ clusterId }) => clusterId,
      ({ clusterId }) => {
        const card = new ClusterCard(clusterId, page);
        return { root: card.root, update: (cluster) => card.render(cluster, this.#now) };
      },
    );
    for (const control of [this.onlyTroubled, this.order]) control.addEventListener('change', () => this.#refresh());
  }

  /** @param {LiveStatus} status */
  update(status) {
    this.#status = status;
    this.#now = status.at;
    const { clusters } = status;
    // A button must not move away from a viewer who is about to press it.
    const due = performance.now() - this.#orderedAt > REORDER_MS && !this.list.matches(':hover, :focus-within');
    if (due || this.#places.size !== clusters.length) this.#arrange(clusters);
    const shown = clusters
      .filter((cluster) => !this.onlyTroubled.checked || isTroubled(cluster))
      .sort((a, b) => (this.#places.get(a.clusterId) ?? 0) - (this.#places.get(b.clusterId) ?? 0));
    this.cards.update(shown);
    this.empty.hidden = shown.length > 0;
    setText(
      this.empty,
      clusters.length > 0 ? 'No cluster has a problem.' : 'No cluster is there yet: the master waits for Discord.',
    );
  }

  /** Brings a cluster's card into view and gives it the focus. @param {number} clusterId */
  show(clusterId) {
    if (this.cards.find(clusterId) === undefined) {
      this.onlyTroubled.checked = false;
      this.#refresh();
    }
    const card = this.cards.find(clusterId)?.root;
    card?.scrollIntoView({ block: 'center' });
    card?.focus({ preventScroll: true });
  }

  #refresh() {
    this.#places.clear();
    if (this.#status !== undefined) this.update(this.#status);
  }

  /** @param {readonly ClusterStatus[]} clusters */
  #arrange(clusters) {
    const weigh = ORDERS[this.order.value] ?? (({ clusterId }) => -clusterId);
    const weighed = clusters.map((cluster) => ({ cluster, weight: weigh(cluster) ?? Number.NEGATIVE_INFINITY }));
    weighed.sort((a, b) => (a.weight === b.weight ? 0 : b.weight - a.weight));
    this.#places = new Map(weighed.map(({ cluster }, place) => [cluster.clusterId, place]));
    this.#orderedAt = performance.now();
  }
}

/** @param {ClusterStatus} cluster */
function isTroubled({ state, problem, shards }) {
  return state !== 'ready' || problem !== null || shards.some((shard) => shard.state !== 'ready');
}
