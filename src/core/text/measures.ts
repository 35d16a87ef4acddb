import prettyBytes from 'pretty-bytes';
import prettyMs from 'pretty-ms';

/*
 * How people see numbers: the same in Discord, in the terminal, in the log and on the status page (whose own `format.js` a test
 * compares with this). A megabyte is a million bytes.
 */

/** Stands for a number that nobody knows. */
export const UNKNOWN = '-';

/** @returns for example `1.2 GB`, with one decimal except from ten megabytes up to a gigabyte. */
export function bytes(value: number | null): string {
  if (value === null) return UNKNOWN;
  return prettyBytes(value, { maximumFractionDigits: value < 10_000_000 || value >= 1_000_000_000 ? 1 : 0 });
}

/** @returns its two largest parts, for example `3h 12m`, `4.2s` or `15ms`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN;
  return prettyMs(Math.max(0, ms), {
    unitCount: 2,
    secondsDecimalDigits: ms < 60_000 ? 1 : 0,
    millisecondsDecimalDigits: ms < 10 && !Number.isInteger(ms) ? 1 : 0,
  });
}

/** @returns a rounded number with its thousands apart, for example `12,345`. */
export function whole(value: number | null): string {
  return value === null ? UNKNOWN : Math.round(value).toLocaleString('en-US');
}

/** @returns a rate, with one decimal below ten. */
export function rate(value: number | null): string {
  return value !== null && value > 0 && value < 9.95 ? value.toFixed(1) : whole(value);
}

/** @returns for example `1 cluster` or `4 clusters`. */
export function plural(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** @returns ids in ascending order as a person writes them, for example `0-3, 7`. */
export function ranges(ids: readonly number[]): string {
  const sorted = [...new Set(ids)].sort((a, b) => a - b);
  const found: [number, number][] = [];
  for (const id of sorted) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === id - 1) last[1] = id;
    else found.push([id, id]);
  }
  return found
    .map(([from, to]) => (from === to ? `${from}` : to === from + 1 ? `${from}, ${to}` : `${from}-${to}`))
    .join(', ');
}
