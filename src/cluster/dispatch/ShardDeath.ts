import type { ProcessEnd } from '../../core/contracts/ClusterContract.js';
import type { WindowDeath } from '../store/HandledWindow.js';
import type { FoundMark, OnStack } from './StackMark.js';

/** What is known of the end of the process that had a shard before. */
export interface ShardDeath {
  readonly pid: number;
  readonly cause: WindowDeath['cause'];
  readonly newest: FoundMark['newest'];
  /** Undefined where nobody knows. */
  readonly end: ProcessEnd | undefined;
  /** What was on its stack for this shard. */
  readonly blamed: (OnStack & { readonly verdict: 'culprit' | 'suspect' }) | undefined;
}
