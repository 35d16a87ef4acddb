/** @import { HistorySample } from '../core/contracts/AdminApi.js' */
import { create, createSvg, setAttribute, setText } from './dom.js';
import { clock } from './format.js';

/** @typedef {Exclude<keyof HistorySample, 'at'>} HistoryField */

const WIDTH = 300;
const HEIGHT = 40;
const MINUTE_MS = 60_000;
/** The axis has the shortest of these spans that holds all samples. */
const SPANS_MIN = [5, 15, 30, 60];

/**
 * One number with its last hour beneath it. The pointer or the arrow keys on the chart show the number as it was then. A sample that
 * is null or missing is a gap in the line, not a zero.
 */
export class ChartTile {
  /** @type {readonly HistorySample[]} */
  #samples = [];
  #spanMs = 5 * MINUTE_MS;
  #live = { value: '', detail: '' };
  /** The sample that is shown; null: the live number. @type {number | null} */
  #read = null;

  /**
   * @param {string} name
   * @param {readonly HistoryField[]} fields A line each; the first is the stronger one.
   * @param {(values: readonly (number | null)[]) => string} format
   */
  constructor(name, fields, format) {
    this.fields = fields;
    this.format = format;
    this.value = create('p', { class: 'value' });
    this.detail = create('p', { class: 'detail' });
    this.span = create('span');
    this.top = create('span');
    this.area = createSvg('path', { class: 'area' });
    this.lines = fields.map((_, index) => createSvg('path', { class: index === 0 ? 'line' : 'line second' }));
    this.marker = createSvg('path', { class: 'marker' });
    this.chart = create('div', {
      class: 'chart',
      tabindex: '0',
      role: 'slider',
      'aria-label': `${name}, the last hour`,
      'aria-valuemin': '0',
    });
    this.chart.append(
      createSvg(
        'svg',
        { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' },
        this.area,
        ...this.lines.toReversed(),
        this.marker,
      ),
    );
    this.root = create(
      'article',
      { class: 'panel tile' },
      create('h3', {}, name),
      this.value,
      this.detail,
      this.chart,
      create('p', { class: 'axis', 'aria-hidden': 'true' }, this.span, this.top),
    );
    this.chart.addEventListener('pointermove', (event) => this.#readAt(event));
    this.chart.addEventListener('pointerdown', (event) => this.#readAt(event));
    this.chart.addEventListener('pointerleave', () => this.#readSample(null));
    this.chart.addEventListener('blur', () => this.#readSample(null));
    this.chart.addEventListener('keydown', (event) => this.#onKey(event));
  }

  /** @param {string} value @param {string} detail */
  update(value, detail) {
    this.#live = { value, detail };
    this.#show();
  }

  /** @param {readonly HistorySample[]} samples Oldest first. @param {number} stepMs */
  draw(samples, stepMs) {
    this.#samples = samples;
    this.#read = null;
    const last = samples.at(-1)?.at ?? 0;
    const ageMin = (last - (samples[0]?.at ?? last)) / MINUTE_MS;
    const spanMin = SPANS_MIN.find((minutes) => ageMin <= minutes) ?? 60;
    this.#spanMs = spanMin * MINUTE_MS;
    const values = samples.flatMap((sample) => this.fields.map((field) => sample[field] ?? 0));
    const highest = values.reduce((a, b) => Math.max(a, b), 0);
    const scale = highest > 0 ? (HEIGHT - 4) / highest : 0;
    for (const [index, field] of this.fields.entries()) {
      const runs = this.#runs(field, scale, stepMs);
      this.lines[index]?.setAttribute('d', runs.map((points) => `M${points.join('L')}`).join(''));
      if (index > 0) continue;
      const areas = runs.map((points) => `M${xOf(points[0])},${HEIGHT}L${points.join('L')}V${HEIGHT}Z`);
      this.area.setAttribute('d', areas.join(''));
    }
    setText(this.span, samples.length === 0 ? 'no samples yet' : spanMin === 60 ? '1 h' : `${spanMin} min`);
    setText(this.top, highest > 0 ? `max ${this.format(this.fields.map((_, i) => (i === 0 ? highest : null)))}` : '');
    setAttribute(this.chart, 'aria-valuemax', `${Math.max(0, samples.length - 1)}`);
    this.#show();
  }

  /** @param {HistoryField} field @param {number} scale @param {number} stepMs */
  #runs(field, scale, stepMs) {
    /** @type {string[][]} */
    const runs = [];
    let before = Number.NEGATIVE_INFINITY;
    for (const sample of this.#samples) {
      const value = sample[field];
      if (value === null) continue;
      if (sample.at - before > 2.5 * stepMs) runs.push([]);
      before = sample.at;
      runs.at(-1)?.push(`${this.#x(sample.at).toFixed(1)},${(HEIGHT - 1 - value * scale).toFixed(1)}`);
    }
    return runs;
  }

  /** @param {number} at */
  #x(at) {
    const end = this.#samples.at(-1)?.at ?? at;
    return WIDTH * (1 - (end - at) / this.#spanMs);
  }

  /** @param {PointerEvent} event */
  #readAt(event) {
    const { left, width } = this.chart.getBoundingClientRect();
    const x = ((event.clientX - left) / width) * WIDTH;
    let nearest = null;
    let distance = Number.POSITIVE_INFINITY;
    for (const [index, { at }] of this.#samples.entries()) {
      if (Math.abs(this.#x(at) - x) >= distance) continue;
      distance = Math.abs(this.#x(at) - x);
      nearest = index;
    }
    this.#readSample(nearest);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const last = this.#samples.length - 1;
    const present = this.#read ?? last + 1;
    const steps = { ArrowLeft: present - 1, ArrowRight: present + 1, Home: 0, End: last, Escape: last + 1 };
    const target = Object.entries(steps).find(([key]) => key === event.key)?.[1];
    if (target === undefined || last < 0) return;
    event.preventDefault();
    this.#readSample(target > last ? null : Math.max(0, target));
  }

  /** @param {number | null} index */
  #readSample(index) {
    if (this.#read === index) return;
    this.#read = index;
    this.#show();
  }

  #show() {
    const sample = this.#read === null ? undefined : this.#samples[this.#read];
    const value = sample === undefined ? this.#live.value : this.format(this.fields.map((field) => sample[field]));
    setText(this.value, value);
    setText(this.detail, sample === undefined ? this.#live.detail : `at ${clock(sample.at)}`);
    setAttribute(this.root, 'data-past', `${sample !== undefined}`);
    const x = sample === undefined ? '' : this.#x(sample.at).toFixed(1);
    setAttribute(this.marker, 'd', sample === undefined ? '' : `M${x},0V${HEIGHT}`);
    setAttribute(this.chart, 'aria-valuenow', `${this.#read ?? Math.max(0, this.#samples.length - 1)}`);
    setAttribute(this.chart, 'aria-valuetext', sample === undefined ? value : `${value} at ${clock(sample.at)}`);
  }
}

/** @param {string | undefined} point */
function xOf(point) {
  return point?.split(',')[0] ?? '0';
}
