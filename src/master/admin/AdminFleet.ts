import type { EvalResult } from '../../core/contracts/ClusterContract.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import type { FleetRestart } from '../restart/FleetRestart.js';
import type { Supervisor } from '../supervision/Supervisor.js';

/** The running bot, as far as the admin side looks at it and acts on it. */
export interface AdminFleet {
  readonly clusters: ClusterPool;
  readonly queue: Pick<IdentifyQueue, 'state'>;
  readonly supervisor: Pick<Supervisor, 'stateOf' | 'retryAtOf' | 'historyOf'>;
  readonly restart: Pick<FleetRestart, 'begin' | 'current' | 'on' | 'off'>;
  readonly evaluateInMaster: (code: string) => Promise<EvalResult>;
}
