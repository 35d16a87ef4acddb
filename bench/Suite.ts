import type { Spread } from './measure.js';

export interface Target {
  readonly is: 'at most' | 'at least';
  readonly value: number;
  /** What it bounds: the ratio of ours to the reference, or ours itself. */
  readonly of: 'ratio' | 'ours';
}

/** One line of a suite's table. */
export interface Row {
  readonly what: string;
  readonly unit: string;
  readonly ours: Spread;
  /** The same, done by something else in the same run. */
  readonly reference?: Spread;
  /** Of ours to the reference. */
  readonly ratio?: Spread;
  /** Without one the row is for orientation. */
  readonly target?: Target;
  /** What a number alone does not say. */
  readonly note?: string;
}

export interface SuiteOptions {
  /** Less of everything, while something is being developed: the numbers are no measurement. */
  readonly quick?: boolean;
}

export interface Suite {
  readonly name: string;
  /** What is compared with what: printed above the table. */
  readonly about: string;
  run(progress: (what: string) => void, options: SuiteOptions): Promise<readonly Row[]>;
}

/** @returns whether the median reaches the target; undefined where there is none. */
export function isReached({ ours, ratio, target }: Row): boolean | undefined {
  if (target === undefined) return undefined;
  const value = target.of === 'ours' ? ours.median : (ratio?.median ?? Number.NaN);
  return target.is === 'at most' ? value <= target.value : value >= target.value;
}
