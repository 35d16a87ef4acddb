import type { Logger } from '../../core/log/logger.js';
import type { AdminFleet } from './AdminFleet.js';
import type { EventStream } from './EventStream.js';
import type { Gate } from './Gate.js';
import type { HistoryRecorder } from './HistoryRecorder.js';
import type { LogBook } from './LogBook.js';
import type { StatusCollector } from './StatusCollector.js';

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
  /** Somebody asked for the whole bot to stop. */
  readonly requestStop: () => void;
}
