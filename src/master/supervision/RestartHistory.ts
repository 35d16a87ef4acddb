import type { RestartCause, RestartRecord } from '../../core/contracts/AdminApi.js';
import type { Clock } from '../../core/time/clock.js';

const KEPT = 50;
/** So many failures within so many milliseconds are a loop. Another attempt at once would fail too. */
const LOOP = { failures: 5, withinMs: 5 * 60_000 } as const;

/** The last {@link KEPT} restarts of one cluster, and whether it fails again and again. */
export class RestartHistory {
  readonly #clock: Pick<Clock, 'now' | 'wallNow'>;
  readonly #entries: RestartRecord[] = [];
  readonly #counts = new Map<RestartCause, number>();
  #failures: number[] = [];

  public constructor(clock: Pick<Clock, 'now' | 'wallNow'>) {
    this.#clock = clock;
  }

  /** Oldest first. */
  public get entries(): readonly RestartRecord[] {
    return this.#entries;
  }

  /** How many restarts there were since the master started, by cause. */
  public get counts(): ReadonlyMap<RestartCause, number> {
    return this.#counts;
  }

  /** Whether it has failed five times in five minutes. */
  public get isLooping(): boolean {
    const since = this.#clock.now() - LOOP.withinMs;
    this.#failures = this.#failures.filter((at) => at >= since);
    return this.#failures.length >= LOOP.failures;
  }

  /** @param counts whether a failure counts towards a loop. Default true. */
  public note(cause: RestartCause, reason: string, counts = true): void {
    this.#entries.push({ at: this.#clock.wallNow(), cause, reason });
    this.#counts.set(cause, (this.#counts.get(cause) ?? 0) + 1);
    if (this.#entries.length > KEPT) this.#entries.shift();
    const isFailure = cause === 'crash' || cause === 'hung' || cause === 'failedStart';
    if (isFailure && counts) this.#failures.push(this.#clock.now());
  }

  /** Failures before this call count towards no loop. */
  public forgive(): void {
    this.#failures = [];
  }
}
