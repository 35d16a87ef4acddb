/** @import { IdentifyStatus, LiveStatus } from '../core/contracts/AdminApi.js' */
import { create, Facts, get, setAttribute, setText, setTone } from './dom.js';
import { duration, UNKNOWN, whole } from './format.js';

const SHOWN = 24;

/** Discord's budget of IDENTIFYs, the shards that have a slot, and those that wait for one. */
export class IdentifyPanel {
  constructor() {
    this.reset = get('identify-reset');
    this.bar = create('div', { class: 'fill' });
    this.reserve = create('div', { class: 'reserve', title: 'Kept back from planned restarts' });
    this.meter = create('div', { class: 'meter', role: 'meter', 'aria-label': 'IDENTIFYs left', 'aria-valuemin': '0' });
    this.meter.append(this.bar, this.reserve);
    this.facts = new Facts([
      ['Left'],
      ['Reserve', 'Kept back from planned restarts'],
      ['At a time', 'max_concurrency: shards that may identify at the same time'],
      ['Waiting', 'Shards that wait for a slot to identify'],
    ]);
    this.waiting = create('p', { class: 'dim wrap' });
    this.slots = create('p', { class: 'dim wrap' });
    get('identify').append(this.meter, this.facts.root, this.slots, this.waiting);
  }

  /** @param {LiveStatus} status */
  update({ identify, at }) {
    this.meter.hidden = identify?.remaining == null;
    setText(this.reset, identify?.resetAt == null ? '' : `resets in ${duration(identify.resetAt - at)}`);
    this.facts.update(
      identify === null ? UNKNOWN : `${whole(identify.remaining)} / ${whole(identify.total)}`,
      whole(identify?.reserve ?? null),
      whole(identify?.maxConcurrency ?? null),
      whole(identify?.waiting.length ?? null),
    );
    this.#renderMeter(identify);
    this.#renderQueue(identify);
  }

  /** @param {IdentifyStatus | null} identify */
  #renderMeter(identify) {
    if (identify?.remaining == null || identify.total <= 0) return;
    const { remaining, total, reserve } = identify;
    this.bar.style.width = `${Math.min(100, (100 * remaining) / total)}%`;
    this.reserve.style.width = `${Math.min(100, (100 * reserve) / total)}%`;
    setTone(this.meter, remaining <= 1 ? 'bad' : remaining <= reserve ? 'warn' : 'ok');
    setAttribute(this.meter, 'aria-valuemax', `${total}`);
    setAttribute(this.meter, 'aria-valuenow', `${remaining}`);
  }

  /** @param {IdentifyStatus | null} identify */
  #renderQueue(identify) {
    const waiting = identify?.waiting ?? [];
    const slots = identify?.slots ?? [];
    setText(this.slots, slots.length === 0 ? '' : `Identifying: ${list(slots.map(({ shardId }) => shardId))}`);
    setText(this.waiting, waiting.length === 0 ? 'No shard waits.' : `Next: ${list(waiting)}`);
  }
}

/** @param {readonly number[]} shardIds */
function list(shardIds) {
  const more = shardIds.length - SHOWN;
  return `${shardIds.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
