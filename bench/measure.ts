export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Of each value to its neighbour in time, so that what else the machine does hits both. */
export function ratios(values: readonly number[], references: readonly number[]): Spread {
  return spread(values.map((value, round) => value / (references[round] ?? Number.NaN)));
}

/**
 * Runs the contenders in turns, `rounds` times after one that is not counted. Another one begins each round
 * (A B C, B C A, ...): there and back again (A B C, C B A), the outer ones would run twice in a row and the middle one never,
 * and schedulers place processes by how busy they have just been.
 *
 * @returns what each run measured, by contender.
 */
export async function interleave<Name extends string>(
  rounds: number,
  contenders: Readonly<Record<Name, () => Promise<number>>>,
): Promise<Record<Name, number[]>> {
  const order = Object.keys(contenders) as Name[];
  const measured = Object.fromEntries(order.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < order.length; turn++) {
      const name = order[(round + turn) % order.length] as Name;
      const value = await contenders[name]();
      if (round > 0) measured[name].push(value);
    }
  }
  return measured;
}
