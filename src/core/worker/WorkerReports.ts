import type { Handlers } from '../ipc/Handlers.js';
import type { Clock } from '../time/clock.js';
import {
  ALIVE,
  FAILED,
  LOGGED,
  type LoggedLine,
  parseStartFailure,
  READY,
  STOPPED,
  type StartFailure,
  type Vitals,
} from './controlMessages.js';

/** What a worker says of itself, beside the messages of its contract. */
export class WorkerReports {
  /** Its `start()` has come to its end. */
  public readonly ready: Promise<void>;
  /** Its `start()` threw. */
  public readonly failed: Promise<StartFailure>;
  /** It has nothing left to do, and closes its connection next. */
  public readonly stopped: Promise<void>;
  /** When its event loop was last known to turn, on the clock of `performance.now()`. */
  public heardAt: number;
  /** How its process was doing then; undefined before the first sign of life. */
  public vitals: Vitals | undefined;

  /** @param onLine Gets each line of output that comes over the connection, because the worker's pipe leads nowhere. */
  public constructor(handlers: Handlers, clock: Clock, onLine: (line: string) => void) {
    this.heardAt = clock.now();
    this.ready = new Promise((resolve) => handlers.add(READY, () => resolve(), true));
    this.stopped = new Promise((resolve) => handlers.add(STOPPED, () => resolve(), true));
    this.failed = new Promise((resolve) => {
      handlers.add(FAILED, (_worker: unknown, failure: unknown) => resolve(parseStartFailure(failure)), true);
    });
    handlers.add(LOGGED, (_worker: unknown, { line }: LoggedLine) => onLine(line), false);
    const onAlive = (_worker: unknown, vitals: Vitals): void => {
      this.heardAt = clock.now();
      this.vitals = vitals;
    };
    handlers.add(ALIVE, onAlive, false);
  }
}
