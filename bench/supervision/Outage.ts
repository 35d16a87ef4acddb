import type { TrafficOptions } from 'kallisti/simulator';
import type { Fleet } from '../sessions/Fleet.js';

/** What one part measures, on a bot that is ready and will be so again afterwards. */
export interface Outage {
  readonly fleet: Fleet;
  readonly load: TrafficOptions;
  readonly rounds: number;
  readonly hungAfterMs: number;
  readonly orphanGraceMs: number;
}
