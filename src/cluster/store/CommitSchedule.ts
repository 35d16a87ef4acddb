/** What can wait is committed after so long, in milliseconds. */
const DEFAULT_INTERVAL_MS = 200;

/**
 * When the stores of a process commit: what cannot wait at the end of the turn of the event loop, all else together some time
 * later. In a process that mostly sleeps, the first commit of a turn costs more than the next.
 */
export class CommitSchedule {
  readonly #intervalMs: number;
  /** Stores by their commit. */
  readonly #urgent = new Set<() => void>();
  readonly #patient = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** @param intervalMs for how long a commit waits that can. Default 200. */
  public constructor(intervalMs: number = DEFAULT_INTERVAL_MS) {
    this.#intervalMs = intervalMs;
  }

  public now(commit: () => void): void {
    this.#urgent.add(commit);
    this.#immediate ??= setImmediate(() => {
      this.#immediate = undefined;
      this.#run(this.#urgent);
    });
  }

  public soon(commit: () => void): void {
    this.#patient.add(commit);
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#run(this.#patient);
    }, this.#intervalMs);
    // It need not keep a process alive that has nothing else to do.
    this.#timer.unref();
  }

  /** Nothing is left to commit: it has just been done, or is never to be. Of the last store, no timer is left. */
  public done(commit: () => void): void {
    this.#urgent.delete(commit);
    this.#patient.delete(commit);
    if (this.#urgent.size > 0 || this.#patient.size > 0) return;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
    this.#timer = undefined;
    this.#immediate = undefined;
  }

  #run(due: ReadonlySet<() => void>): void {
    for (const commit of [...due]) {
      this.done(commit);
      commit();
    }
  }
}
