import type { Clock } from '../../core/time/clock.js';
import type { JobState } from './JobBook.js';

/** A clock that is ahead by more was wrong, in milliseconds. Less is waited for, so that no due time comes twice. */
const WRONG_AHEAD_MS = 24 * 3_600_000;
/** A clock that was set forward by less is not followed, in milliseconds. */
const STEP_MS = 1_000;

/**
 * The time by which jobs are due. What follows the date (cron) goes by the wall clock. What repeats after a duration goes by a
 * time of its own, which passes as the monotonic clock does: when the wall clock is set, no period gets shorter or longer.
 */
export class JobTime {
  readonly #clock: Clock;
  /** What is to be added to the monotonic clock. */
  #offsetMs = 0;

  public constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param jobs as an earlier master has left them: the time does not go back behind what was due then. */
  public start(jobs: Iterable<JobState>): void {
    const wallNow = this.#clock.wallNow();
    const latest = [...jobs]
      .filter(({ schedule, lastDueAt }) => schedule.isPeriodic && lastDueAt <= wallNow + WRONG_AHEAD_MS)
      .reduce((max, { lastDueAt }) => Math.max(max, lastDueAt), wallNow);
    this.#offsetMs = latest - this.#clock.now();
  }

  public now({ schedule }: Pick<JobState, 'schedule'>): number {
    return Math.floor(schedule.isPeriodic ? this.#clock.now() + this.#offsetMs : this.#clock.wallNow());
  }

  /** Follows a wall clock that was set, as far as that brings no due time twice. */
  public follow(jobs: Iterable<JobState>): void {
    const setMs = Math.round(this.#clock.wallNow() - this.#clock.now() - this.#offsetMs);
    const isSet = setMs > STEP_MS || setMs < -WRONG_AHEAD_MS;
    if (isSet) this.#offsetMs += setMs;
    for (const job of jobs) {
      if (isSet && job.schedule.isPeriodic) job.lastDueAt += setMs;
      const now = this.now(job);
      if (job.lastDueAt > now + WRONG_AHEAD_MS) job.lastDueAt = now;
    }
  }
}
