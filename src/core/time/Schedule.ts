import { Cron } from 'croner';

/** When something is due again and again, as it is sent and stored. */
export type ScheduleDefinition =
  | { readonly everyMs: number }
  /** Without a timezone: that of the machine. */
  | { readonly cron: string; readonly timezone?: string | undefined };

/** When something is due. It has no timer and no clock; times are milliseconds since 1970. */
export class Schedule {
  readonly #everyMs: number | undefined;
  readonly #cron: Cron | undefined;

  /** @throws TypeError where the cron expression or the time zone is none. */
  public constructor(public readonly definition: ScheduleDefinition) {
    if ('everyMs' in definition) this.#everyMs = definition.everyMs;
    else {
      const { cron, timezone } = definition;
      this.#cron = new Cron(cron, { mode: '5-or-6-parts', ...(timezone === undefined ? {} : { timezone }) });
    }
  }

  /** Whether it repeats after a duration. Otherwise it follows the date. */
  public get isPeriodic(): boolean {
    return this.#everyMs !== undefined;
  }

  public equals({ definition }: Schedule): boolean {
    return JSON.stringify(definition) === JSON.stringify(this.definition);
  }

  /** @returns the first due time after `last`; undefined where there is none. */
  public next(last: number): number | undefined {
    if (this.#everyMs !== undefined) return last + this.#everyMs;
    return this.#cron?.nextRun(new Date(last))?.getTime();
  }

  /** @returns the last due time after `last` and up to `now`; undefined where there is none. */
  public latest(last: number, now: number): number | undefined {
    if (this.#everyMs !== undefined) {
      const periods = Math.floor((now - last) / this.#everyMs);
      return periods > 0 ? last + periods * this.#everyMs : undefined;
    }
    // Croner looks before a moment, and due times are whole seconds.
    const [latest] = this.#cron?.previousRuns(1, new Date(Math.floor(now) + 1)) ?? [];
    return latest !== undefined && latest.getTime() > last ? latest.getTime() : undefined;
  }
}
