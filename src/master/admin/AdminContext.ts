import type { Logger } from '../../core/log/logger.js';
import type { ClusterPool } from '../fleet/ClusterPool.js';
import type { FleetCommands } from '../fleet/FleetCommands.js';
import type { SpareClusters } from '../fleet/SpareClusters.js';
import type { IdentifyQueue } from '../identify/IdentifyQueue.js';
import type { FleetRestart } from '../restart/FleetRestart.js';
import type { Supervisor } from '../supervision/Supervisor.js';
import type { EventStream } from './EventStream.js';
import type { Gate } from './Gate.js';
import type { HistoryRecorder } from './HistoryRecorder.js';
import type { LogBook } from './LogBook.js';
import type { StatusCollector } from './StatusCollector.js';

/** The running bot, as far as the admin side looks at it and acts on it. */
export interface AdminFleet {
  readonly clusters: ClusterPool;
  readonly spares: Pick<SpareClusters, 'status'>;
  readonly queue: Pick<IdentifyQueue, 'state'>;
  readonly supervisor: Pick<Supervisor, 'stateOf' | 'retryAtOf' | 'historyOf'>;
  readonly restart: Pick<FleetRestart, 'current' | 'on' | 'off'>;
  readonly commands: FleetCommands;
}

/** What the routes of the admin API use. */
export interface AdminContext {
  readonly logger: Logger;
  readonly gate: Gate;
  readonly status: StatusCollector;
  readonly history: HistoryRecorder;
  readonly logs: LogBook;
  readonly events: EventStream;
  readonly allowsEval: boolean;
  readonly cookieName: () => string;
  /** @throws KallistiError NOT_RUNNING while there are no clusters. */
  readonly fleet: () => AdminFleet;
  /** The metrics in Prometheus's text format. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>;
  /** Called when somebody asks for the whole bot to stop. */
  readonly requestStop: () => void;
}
