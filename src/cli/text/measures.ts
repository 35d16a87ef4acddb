/** What stands where nobody knows a number. */
export const UNKNOWN = '-';

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;
const DURATION_UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const;

/** @returns for example `1.2 GB`. */
export function bytes(value: number | null): string {
  if (value === null) return UNKNOWN;
  let unit = 0;
  let amount = value;
  while (amount >= 999.5 && unit < BYTE_UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${amount < 9.95 && unit > 0 ? amount.toFixed(1) : Math.round(amount)} ${BYTE_UNITS[unit]}`;
}

/** @returns its two largest parts, for example `3 h 12 min`; below a minute `4.2 s`, below a second `15 ms`. */
export function duration(ms: number | null): string {
  if (ms === null) return UNKNOWN;
  if (ms < 1000) return milliseconds(Math.max(0, ms));
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000) * 1000;
  const first = DURATION_UNITS.findIndex(([, size]) => seconds >= size);
  let rest = seconds;
  const parts = DURATION_UNITS.slice(first, first + 2).map(([unit, size]) => {
    const amount = Math.floor(rest / size);
    rest -= amount * size;
    return amount === 0 ? '' : `${amount} ${unit}`;
  });
  return parts.filter((part) => part !== '').join(' ');
}

export function milliseconds(value: number | null): string {
  return value === null
    ? UNKNOWN
    : `${value < 9.95 && !Number.isInteger(value) ? value.toFixed(1) : Math.round(value)} ms`;
}

/** @returns a whole number with its thousands apart, for example `12,345`. */
export function whole(value: number | null): string {
  return value === null ? UNKNOWN : Math.round(value).toLocaleString('en-US');
}

/** @returns a rate, with a decimal where it is small. */
export function rate(value: number | null): string {
  return value !== null && value > 0 && value < 9.95 ? value.toFixed(1) : whole(value);
}

/** @returns for example `1 cluster` or `4 clusters`. */
export function plural(count: number, noun: string): string {
  return `${whole(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** @returns ids as a person writes them: `0-3, 7`. */
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
