import { LineForwarder } from '../log/LineForwarder.js';
import type { LogTail } from '../log/LogTail.js';
import type { LogBindings, Logger } from '../log/logger.js';
import type { Clock } from '../time/clock.js';
import { within } from '../time/within.js';
import type { WorkerProcess } from './WorkerHost.js';

/** How long output is read after the exit, in milliseconds. */
const LAST_LINES_MS = 300;

/** What one process prints: each line goes to the master's log and into the worker's tail. */
export class WorkerOutput {
  readonly #process: WorkerProcess;
  readonly #clock: Clock;
  readonly #forwarder: LineForwarder;
  readonly #ended: Promise<unknown>;
  readonly #detached = new AbortController();

  public constructor(process: WorkerProcess, bindings: LogBindings, logger: Logger, tail: LogTail, clock: Clock) {
    this.#process = process;
    this.#clock = clock;
    this.#forwarder = new LineForwarder({ logger, bindings, tail });
    const { stdout, stderr } = process;
    const { signal } = this.#detached;
    this.#ended = Promise.all([
      stdout === null ? undefined : this.#forwarder.attach(stdout, 'stdout', signal),
      stderr === null ? undefined : this.#forwarder.attach(stderr, 'stderr', signal),
    ]);
  }

  /** Takes a line that came another way than by stdout. */
  public forward(line: string): void {
    this.#forwarder.forward(line, 'stdout');
  }

  /** Reads nothing more: somebody else does. */
  public detach(): void {
    this.#detached.abort();
  }

  /** Waits, after the process's exit, until its last lines were read; no longer than 300 ms. */
  public async finish(): Promise<void> {
    await within(this.#ended, LAST_LINES_MS, this.#clock);
    // A grandchild may hold it open, and with it our event loop.
    this.#process.stdout?.destroy();
    this.#process.stderr?.destroy();
  }
}
