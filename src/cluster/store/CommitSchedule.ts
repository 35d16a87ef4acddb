/** How long a commit waits that can wait, in milliseconds. */
const DEFAULT_INTERVAL_MS = 200;

/**
 * Decides when the stores of a process commit. What cannot wait is committed at the end of the turn of the event loop. All else
 * is committed together some time later, because in a process that mostly sleeps the first commit of a turn costs the most.
 */
export class CommitSchedule {
  readonly #intervalMs: number;
  /** Stores by their commit. */
  readonly #urgent = new Set<() => void>();
  readonly #patient = new Set<() => void>();
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** @param intervalMs how long a commit waits that can wait. Default 200. */
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
    // It keeps no process alive that has nothing else to do.
    this.#timer.unref();
  }

  /** A store has nothing left to commit. After the last store no timer is left. */
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
