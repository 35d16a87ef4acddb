/*
 * Numbers as people see them: the same as in `core/text/measures.ts`, with which a test compares this. A megabyte is a million
 * bytes.
 */

/** Stands for a number that nobody knows. */
export const UNKNOWN = '-';

/** @type {readonly [unit: string, ms: number][]} */
const UNITS = [
  ['y', 31_536_000_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** @param {number | null} value */
export function whole(value) {
  return value === null ? UNKNOWN : Math.round(value).toLocaleString('en');
}

/** With one decimal below ten. @param {number | null} value */
export function rate(value) {
  return value !== null && value > 0 && value < 9.95 ? value.toFixed(1) : whole(value);
}

/** @param {number} count @param {string} noun */
export function plural(count, noun) {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** From a megabyte up: `9.5 MB`, `123 MB`, `1.2 GB`. @param {number | null} value */
export function bytes(value) {
  if (value === null) return UNKNOWN;
  if (value >= 1e9) return `${Math.floor(value / 1e8) / 10} GB`;
  return `${value < 1e7 ? Math.floor(value / 1e5) / 10 : Math.floor(value / 1e6)} MB`;
}

/** Milliseconds without their unit, for where several stand in a row. @param {number | null} ms */
export function plainMs(ms) {
  if (ms === null) return UNKNOWN;
  return ms.toFixed(ms >= 0.05 && ms < 10 && !Number.isInteger(ms) ? 1 : 0);
}

/** In its two largest units: `3h 12m`, `4.2s`, `15ms`. @param {number | null} ms */
export function duration(ms) {
  if (ms === null) return UNKNOWN;
  if (ms < 1_000) return `${plainMs(Math.min(999, Math.max(0, ms)))}ms`;
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10}s`;
  let rest = ms;
  const parts = UNITS.map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest %= size;
    return count === 0 ? '' : `${count}${unit}`;
  });
  return parts.filter(Boolean).slice(0, 2).join(' ');
}

/** The time of day where the viewer is. @param {number} time */
export function clock(time) {
  return new Date(time).toLocaleTimeString('en', { hourCycle: 'h23' });
}

/** `0-15, 18` for ascending numbers. @param {readonly number[]} ids */
export function ranges(ids) {
  /** @type {string[]} */
  const parts = [];
  for (let first = 0, last = 0; first < ids.length; first = last + 1) {
    last = first;
    while (ids[last + 1] === (ids[last] ?? 0) + 1) last++;
    const between = last === first + 1 ? ', ' : '-';
    parts.push(first === last ? `${ids[first]}` : `${ids[first]}${between}${ids[last]}`);
  }
  return parts.join(', ');
}
