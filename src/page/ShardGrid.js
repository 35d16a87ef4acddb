/** @import { ClusterStatus, LiveStatus, ShardOverview } from '../core/contracts/AdminApi.js' */
/** @import { View } from './dom.js' */
/** @import { Page } from './page.js' */
import { create, get, KeyedChildren, setAttribute, setText, setTone } from './dom.js';
import { duration, plural } from './format.js';
import { lookOf, SHARD_LOOKS } from './states.js';

const LOOKS = new Map(SHARD_LOOKS.map((entry) => [entry.look, entry]));
/** Cells in a row of a cluster's block. */
const MAX_COLUMNS = 8;

/**
 * Every shard as a cell in its cluster's block. The colour shows state and latency, and so do a sign and a bar at the foot. The grid
 * is one stop of the Tab key; arrows move inside it. A tooltip describes the shard under the pointer or the focus.
 */
export class ShardGrid {
  #now = 0;
  /** @type {Map<number, Cell>} */
  #cells = new Map();
  #focused = -1;
  #columns = 0;

  /** @param {Page} page */
  constructor(page) {
    this.page = page;
    this.root = get('shards');
    this.tooltip = get('tooltip');
    this.legend = SHARD_LOOKS.map(makeLegendEntry);
    get('legend').append(...this.legend.map(({ root }) => root));
    /** @type {KeyedChildren<ClusterStatus>} */
    this.blocks = new KeyedChildren(
      this.root,
      ({ clusterId }) => clusterId,
      ({ clusterId }) => this.#makeBlock(clusterId),
    );
    this.root.addEventListener('pointerover', (event) => this.#explain(event.target));
    this.root.addEventListener('pointerleave', () => this.#explain(null));
    this.root.addEventListener('focusin', (event) => {
      this.#moveTabStop(this.#cellOf(event.target)?.shardId ?? -1);
      this.#explain(event.target);
    });
    this.root.addEventListener('focusout', () => this.#explain(null));
    this.root.addEventListener('keydown', (event) => this.#onKey(event));
    this.root.addEventListener('click', (event) => {
      const cell = this.#cellOf(event.target);
      if (cell !== undefined) this.page.cards.show(cell.clusterId);
    });
  }

  /** @param {LiveStatus} status */
  update({ clusters, at }) {
    this.#now = at;
    const columns = Math.min(MAX_COLUMNS, Math.max(1, ...clusters.map((cluster) => cluster.shards.length)));
    if (this.#columns !== columns) this.root.style.setProperty('--columns', `${columns}`);
    this.#columns = columns;
    this.blocks.update(clusters);
    const shards = clusters.flatMap(({ shards }) => shards);
    const looks = shards.map(({ state, latencyMs }) => lookOf(state, latencyMs));
    for (const { look, root, count } of this.legend) {
      const number = looks.filter((other) => other === look).length;
      setText(count, `${number}`);
      root.classList.toggle('absent', number === 0);
    }
    for (const shardId of this.#cells.keys()) if (shardId >= shards.length) this.#cells.delete(shardId);
    if (!this.#cells.has(this.#focused)) this.#moveTabStop(this.#cells.keys().next().value ?? -1);
  }

  /** @param {number} clusterId @returns {View<ClusterStatus>} */
  #makeBlock(clusterId) {
    const cells = create('div', { class: 'cells' });
    const root = create(
      'div',
      { class: 'block', role: 'group', 'aria-label': `Cluster ${clusterId}` },
      create('span', { class: 'block-name', 'aria-hidden': 'true' }, `${clusterId}`),
      cells,
    );
    /** @type {KeyedChildren<ShardOverview>} */
    const children = new KeyedChildren(
      cells,
      ({ shardId }) => shardId,
      ({ shardId }) => {
        const cell = new Cell(shardId, clusterId);
        this.#cells.set(shardId, cell);
        return cell;
      },
    );
    return { root, update: ({ shards }) => children.update(shards) };
  }

  /** @param {EventTarget | null} target */
  #cellOf(target) {
    const node = target instanceof Element ? target.closest('.cell') : null;
    return node instanceof HTMLElement ? this.#cells.get(Number(node.dataset.shard)) : undefined;
  }

  /** @param {number} shardId */
  #moveTabStop(shardId) {
    this.#cells.get(this.#focused)?.root.setAttribute('tabindex', '-1');
    this.#cells.get(shardId)?.root.setAttribute('tabindex', '0');
    this.#focused = shardId;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const cell = this.#cellOf(event.target);
    if (cell === undefined) return;
    if (event.key === 'Escape') return this.#explain(null);
    const ids = [...this.#cells.keys()].sort((a, b) => a - b);
    const index = ids.indexOf(cell.shardId);
    const steps = new Map([
      ['ArrowLeft', index - 1],
      ['ArrowRight', index + 1],
      ['ArrowUp', index - this.#columns],
      ['ArrowDown', index + this.#columns],
      ['Home', 0],
      ['End', ids.length - 1],
    ]);
    const target = steps.get(event.key);
    if (target === undefined) return;
    event.preventDefault();
    this.#cells.get(ids[Math.min(ids.length - 1, Math.max(0, target))] ?? -1)?.root.focus();
  }

  /** Shows the tooltip. @param {EventTarget | null} target Null hides it. */
  #explain(target) {
    const cell = this.#cellOf(target);
    this.tooltip.hidden = cell === undefined;
    if (cell === undefined) return;
    this.tooltip.replaceChildren(...cell.describe(this.#now).map((line) => create('p', {}, line)));
    const anchor = cell.root.getBoundingClientRect();
    const own = this.tooltip.getBoundingClientRect();
    const { clientWidth, clientHeight } = document.documentElement;
    const below = anchor.bottom + 6;
    const top = below + own.height > clientHeight ? anchor.top - own.height - 6 : below;
    this.tooltip.style.left = `${Math.min(anchor.left, clientWidth - own.width - 8)}px`;
    this.tooltip.style.top = `${top}px`;
  }
}

/** @param {(typeof SHARD_LOOKS)[number]} entry */
function makeLegendEntry({ look, sign, tone, text }) {
  const sample = create(
    'span',
    { class: 'cell sample', 'data-look': look, 'data-tone': tone, 'aria-hidden': 'true' },
    sign,
  );
  const count = create('b');
  return { look, count, root: create('li', {}, sample, text, ' ', count) };
}

/** One shard. */
class Cell {
  /** @type {ShardOverview | undefined} */
  #shard;

  /** @param {number} shardId @param {number} clusterId */
  constructor(shardId, clusterId) {
    this.shardId = shardId;
    this.clusterId = clusterId;
    this.root = create('button', { class: 'cell', tabindex: '-1', 'data-shard': `${shardId}` });
  }

  /** @param {ShardOverview} shard */
  update(shard) {
    const old = this.#shard;
    this.#shard = shard;
    if (old?.state === shard.state && old.latencyMs === shard.latencyMs && old.guilds === shard.guilds) return;
    const look = lookOf(shard.state, shard.latencyMs);
    setAttribute(this.root, 'data-look', look);
    setTone(this.root, LOOKS.get(look)?.tone ?? 'none');
    setText(this.root, `${LOOKS.get(look)?.sign ?? ''}${shard.shardId}`);
    setAttribute(this.root, 'aria-label', this.describe(null).join(', '));
  }

  /** @param {number | null} now With it, also how the shard came up. @returns {string[]} */
  describe(now) {
    const shard = this.#shard;
    if (shard === undefined) return [];
    const lines = [
      `Shard ${shard.shardId} of cluster ${this.clusterId}`,
      shard.latencyMs === null ? shard.state : `${shard.state}, ${duration(shard.latencyMs)}`,
      plural(shard.guilds, 'guild'),
    ];
    const arrival = shard.lastArrival;
    if (arrival === null || now === null) return lines;
    lines.push(`${arrival.by} ${duration(now - arrival.at)} ago`);
    if (arrival.pauseMs !== null) lines.push(`pause of ${duration(arrival.pauseMs)}`);
    if (arrival.replayed > 0) lines.push(`${plural(arrival.replayed, 'event')} replayed`);
    return lines;
  }
}
