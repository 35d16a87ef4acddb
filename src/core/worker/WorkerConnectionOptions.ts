import type { ChannelObserver } from '../ipc/Channel.js';
import type { Clock } from '../time/clock.js';
import type { WorkerHost } from './WorkerHost.js';
import type { WorkerRegistry } from './WorkerRegistry.js';

export interface WorkerConnectionOptions {
  /** Arguments of the worker's program. Default: none. */
  readonly args?: readonly string[];
  /** Node's own flags, for example `--max-old-space-size=512`. Default: none. */
  readonly execArgv?: readonly string[];
  /** Added to the environment that the worker inherits; `undefined` removes a variable. Default: nothing. */
  readonly env?: NodeJS.ProcessEnv;
  /** Where the worker runs. Default: as a child of this process, which calls back on a socket in a private folder. */
  readonly host?: WorkerHost | undefined;
  /** Notes that the worker runs, for a later master. Default: nobody does. */
  readonly registry?: WorkerRegistry | undefined;
  /** The process is a spare, see `WorkerLaunch`. Default false. */
  readonly isSpare?: boolean;
  /** Sees how requests end. Default: nobody does. */
  readonly observer?: ChannelObserver | undefined;
  /** How long a worker may drain after the stop request, in milliseconds; then SIGTERM. Default 10 000. */
  readonly drainTimeoutMs?: number;
  /** How long it may take to die of SIGTERM, in milliseconds; then SIGKILL. Default 3 000. */
  readonly termTimeoutMs?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
}
