import type { Spread } from '../measure.js';
import type { Row } from '../Suite.js';
import type { Cost } from './Fleet.js';

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

/** What is planned happens exactly once, for mentions too; a crash may make both come twice. */
export function costRows(cost: Cost, planned: boolean): Row[] {
  const target = planned ? 0 : undefined;
  return [
    row(`commands failed, of ${cost.commands}`, '', one(cost.commandsFailed), 0),
    row('commands answered twice', '', one(cost.commandsTwice), target),
    row(`mentions unanswered, of ${cost.mentions}`, '', one(cost.mentionsUnanswered), 0),
    row('mentions answered twice', '', one(cost.mentionsTwice), target),
    row('IDENTIFYs', '', one(cost.identifies), 0),
    row('two owners of a shard', '', one(cost.overlaps), 0),
  ];
}
