/** What stands where a number is not known. */
export const UNKNOWN = '–';

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat('en', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});

/** @type {readonly [unit: string, seconds: number][]} */
const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
];
const MEGABYTE = 1024 * 1024;

/** @param {number | null} value */
export function formatCount(value) {
  return value === null ? UNKNOWN : whole.format(value);
}

/** @param {number | null} value */
export function formatRate(value) {
  if (value === null) return UNKNOWN;
  return value > 0 && value < 10 ? tenths.format(value) : whole.format(value);
}

/** @param {number | null} bytes */
export function formatBytes(bytes) {
  if (bytes === null) return UNKNOWN;
  const megabytes = bytes / MEGABYTE;
  return megabytes < 1024 ? `${whole.format(megabytes)} MB` : `${tenths.format(megabytes / 1024)} GB`;
}

/** Milliseconds without their unit, for where several stand in a row. @param {number | null} ms */
export function formatMsNumber(ms) {
  if (ms === null) return UNKNOWN;
  return ms > 0 && ms < 9.95 ? tenths.format(ms) : ms.toFixed(0);
}

/** A latency or a pause. @param {number | null} ms */
export function formatMs(ms) {
  if (ms === null) return UNKNOWN;
  return ms < 1000 ? `${formatMsNumber(ms)} ms` : `${tenths.format(ms / 1000)} s`;
}

/** In its two largest units, or one where the other is zero. @param {number | null} ms */
export function formatDuration(ms) {
  if (ms === null) return UNKNOWN;
  let rest = Math.max(0, Math.round(ms / 1000));
  const parts = UNITS.map(([unit, seconds]) => {
    const count = Math.floor(rest / seconds);
    rest %= seconds;
    return count === 0 ? '' : `${count} ${unit}`;
  });
  const first = parts.findIndex((part) => part !== '');
  return first < 0
    ? '0 s'
    : parts
        .slice(first, first + 2)
        .join(' ')
        .trim();
}

/** The time of day where the viewer is. @param {number} time */
export function formatClock(time) {
  return clock.format(time);
}

/** `0–15, 18` for ascending numbers. @param {readonly number[]} ids */
export function formatRanges(ids) {
  /** @type {string[]} */
  const parts = [];
  for (let first = 0, last = 0; first < ids.length; first = last + 1) {
    last = first;
    while (last + 1 < ids.length && (ids[last + 1] ?? 0) === (ids[last] ?? 0) + 1) last++;
    parts.push(first === last ? `${ids[first]}` : `${ids[first]}–${ids[last]}`);
  }
  return parts.join(', ');
}

/** `1 shard`, `2 shards`. @param {number} count @param {string} noun */
export function formatNumberOf(count, noun) {
  return `${whole.format(count)} ${noun}${count === 1 ? '' : 's'}`;
}
