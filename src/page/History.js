/** @import { HistorySample, StatusHistory } from '../core/contracts/AdminApi.js' */

const HOUR_MS = 3_600_000;

/** @typedef {Exclude<keyof StatusHistory, 'stepMs' | 'at'>} HistoryField */

/** The samples of the last hour, oldest first. */
export class History {
  stepMs = 10_000;
  /** @type {readonly HistorySample[]} */
  samples = [];

  /** @param {StatusHistory} history */
  replace({ stepMs, ...columns }) {
    this.stepMs = stepMs;
    const fields = /** @type {(keyof HistorySample)[]} */ (Object.keys(columns));
    this.samples = columns.at.map((_, index) => {
      const sample = fields.map((field) => [field, columns[field]?.[index] ?? null]);
      return /** @type {HistorySample} */ (Object.fromEntries(sample));
    });
  }

  /** @param {HistorySample} sample */
  append(sample) {
    const last = this.samples.at(-1);
    // The stream's history may already hold the sample that follows it.
    if (last !== undefined && sample.at <= last.at) return;
    this.samples = [...this.samples.filter(({ at }) => at > sample.at - HOUR_MS), sample];
  }
}
