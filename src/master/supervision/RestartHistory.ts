import type { Clock } from '../../core/time/clock.js';

/** Why a cluster was started again. */
export type RestartCause = 'crash' | 'hung' | 'deaf' | 'memory' | 'failed start' | 'planned';

export interface RestartEntry {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cause: RestartCause;
  /** In words: the exit, the error. */
  readonly detail: string;
}

const KEPT = 50;
/** So many failures in so long are a loop that no further attempt will end, in milliseconds. */
const LOOP = { failures: 5, withinMs: 5 * 60_000 } as const;

/** What became of one cluster's processes: the last {@link KEPT} restarts, and whether it fails again and again. */
export class RestartHistory {
  readonly #clock: Pick<Clock, 'now' | 'wallNow'>;
  readonly #entries: RestartEntry[] = [];
  readonly #counts = new Map<RestartCause, number>();
  #failures: number[] = [];

  public constructor(clock: Pick<Clock, 'now' | 'wallNow'>) {
    this.#clock = clock;
  }

  /** Oldest first. */
  public get entries(): readonly RestartEntry[] {
    return this.#entries;
  }

  /** Since the master started, by cause. */
  public get counts(): ReadonlyMap<RestartCause, number> {
    return this.#counts;
  }

  /** 5 failures in 5 minutes. */
  public get isLooping(): boolean {
    const since = this.#clock.now() - LOOP.withinMs;
    this.#failures = this.#failures.filter((at) => at >= since);
    return this.#failures.length >= LOOP.failures;
  }

  /** @param counts whether it is a failure that makes a loop, where its cause is one. */
  public note(cause: RestartCause, detail: string, counts = true): void {
    this.#entries.push({ at: this.#clock.wallNow(), cause, detail });
    this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + 1);
    if (this.#entries.length > KEPT) this.#entries.shift();
    const isFailure = cause === 'crash' || cause === 'hung' || cause === 'failed start';
    if (isFailure && counts) this.#failures.push(this.#clock.now());
  }

  /** The failures that are known have been dealt with. */
  public forgive(): void {
    this.#failures = [];
  }
}
