import type { Spread } from '../measure.js';
import type { Row } from '../Suite.js';

/** A number of which there is one. */
export function one(value: number): Spread {
  return { median: value, min: value, max: value };
}

export function row(
  what: string,
  unit: string,
  ours: Spread,
  target?: number,
  is: 'at most' | 'at least' = 'at most',
): Row {
  return { what, unit, ours, ...(target === undefined ? {} : { target: { is, value: target, of: 'ours' } }) };
}
