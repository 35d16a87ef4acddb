/** @import { IdentifyStatus, LiveStatus } from '../core/contracts/AdminApi.js' */
import { create, Facts, get, setAttribute, setText, setTone } from './dom.js';
import { formatCount, formatDuration, UNKNOWN } from './format.js';

const SHOWN = 24;

/** Discord's budget of IDENTIFYs, who may send one now, and who waits for it. */
export class IdentifyPanel {
  constructor() {
    this.reset = get('identify-reset');
    this.bar = create('div', { class: 'fill' });
    this.reserve = create('div', { class: 'reserve', title: 'Kept back from planned restarts' });
    this.meter = create('div', { class: 'meter', role: 'meter', 'aria-label': 'IDENTIFYs left', 'aria-valuemin': '0' });
    this.meter.append(this.bar, this.reserve);
    const facts = create('dl', { class: 'facts' });
    this.facts = new Facts(facts, [
      ['Left'],
      ['Reserve', 'Kept back from planned restarts'],
      ['At a time', 'max_concurrency: buckets that identify beside each other'],
      ['Waiting', 'Shards that wait for the permission to identify'],
    ]);
    this.waiting = create('p', { class: 'dim wrap' });
    this.leases = create('p', { class: 'dim wrap' });
    get('identify').append(this.meter, facts, this.leases, this.waiting);
  }

  /** @param {LiveStatus} status */
  update({ identify, at }) {
    this.meter.hidden = identify?.remaining == null;
    setText(this.reset, identify?.resetAt == null ? '' : `resets in ${formatDuration(identify.resetAt - at)}`);
    this.facts.update(
      identify === null ? UNKNOWN : `${formatCount(identify.remaining)} / ${formatCount(identify.total)}`,
      formatCount(identify?.reserve ?? null),
      formatCount(identify?.maxConcurrency ?? null),
      formatCount(identify?.waiting.length ?? null),
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
    const leases = identify?.leases ?? [];
    setText(this.leases, leases.length === 0 ? '' : `Identifying: ${list(leases.map(({ shardId }) => shardId))}`);
    setText(this.waiting, waiting.length === 0 ? 'Nobody waits.' : `Next: ${list(waiting)}`);
  }
}

/** @param {readonly number[]} shardIds */
function list(shardIds) {
  const more = shardIds.length - SHOWN;
  return `${shardIds.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
