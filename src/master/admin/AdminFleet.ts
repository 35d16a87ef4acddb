import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { FleetCommands } from '../fleet/FleetCommands.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import type { FleetRestart } from '../restart/FleetRestart.js';
import type { Supervisor } from '../supervision/Supervisor.js';

/** The running bot, as far as the admin side looks at it and acts on it. */
export interface AdminFleet {
  readonly clusters: ClusterPool;
  readonly queue: Pick<IdentifyQueue, 'state'>;
  readonly supervisor: Pick<Supervisor, 'stateOf' | 'retryAtOf' | 'historyOf'>;
  readonly restart: Pick<FleetRestart, 'current' | 'on' | 'off'>;
  readonly commands: FleetCommands;
}
