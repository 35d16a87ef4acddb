import type { JobDefinition } from '../../core/contracts/ClusterContract.js';
import { ConfigError } from '../../core/errors.js';
import { messageOf } from '../../core/text/messageOf.js';
import { parseDuration } from '../../core/time/duration.js';
import { Schedule, type ScheduleDefinition } from '../../core/time/Schedule.js';
import type { ClusterContext } from '../ClusterContext.js';
import type { OnCrash } from '../dispatch/Dispatch.js';

/** One run of a job, as its code sees it. */
export interface JobRun {
  /** When it was due, in milliseconds since 1970. No two runs of a job have the same, and an attempt has that of the first. */
  readonly dueAt: number;
  /** How often the run has begun, this time included: 2 after the process of the first attempt has ended. */
  readonly attempt: number;
  /** Fires when this process stops although the run goes on: another cluster does it again. */
  readonly signal: AbortSignal;
}

/** Work on a schedule that runs on exactly one cluster of the fleet. Made by {@link defineJob}. */
export interface Job<C = unknown> {
  readonly definition: JobDefinition;
  run(context: ClusterContext<C>, run: JobRun): unknown;
}

interface JobBase<C> {
  /** Tells it from all other jobs of the bot. */
  readonly name: string;
  /**
   * What becomes of a run whose process ends before it does. `again`, the default: another cluster does it again. `drop` is for
   * work where twice is worse than not at all.
   */
  readonly onCrash?: OnCrash;
  /** The run ends when the promise that this returns has settled. Where it throws, that is logged, and it is not repeated. */
  run(context: ClusterContext<C>, run: JobRun): unknown;
}

interface Periodic {
  /** How long from one due time to the next, such as `30s`, `5m` or `1d`; at least a second. */
  readonly every: string;
  readonly cron?: never;
  readonly timezone?: never;
}

interface Dated {
  readonly every?: never;
  /** A cron expression of five fields, or of six with seconds first, or a nickname such as `@daily`. */
  readonly cron: string;
  /** An IANA name such as `Europe/Berlin`. Default: the machine's time zone. */
  readonly timezone?: string;
}

export type JobOptions<C = unknown> = JobBase<C> & (Periodic | Dated);

const MAX_NAME_LENGTH = 100;
const MIN_PERIOD_MS = 1_000;
/** Croner would also take a single date. */
const CRON = /^(?:@\w+|\S+(?:\s+\S+){4,5})$/;

/**
 * Defines a job for `new ClusterWorker({ jobs: [...] })`. Whoever uses the client says which it is:
 * `run({ client }: ClusterContext<Client>, { dueAt })`.
 *
 * @throws ConfigError for a name or a schedule that is not allowed.
 */
export function defineJob<C = unknown>(options: JobOptions<C>): Job<C> {
  const { name, onCrash = 'again', run } = options;
  if (typeof name !== 'string' || name.trim() === '' || name.length > MAX_NAME_LENGTH) {
    const allowed = `allowed: a text of 1 to ${MAX_NAME_LENGTH} characters`;
    throw new ConfigError(`The name of a job is ${JSON.stringify(name) ?? 'missing'}; ${allowed}`);
  }
  if (onCrash !== 'again' && onCrash !== 'drop') {
    throw wrong(name, `onCrash is ${JSON.stringify(onCrash)}`, "'again' or 'drop'");
  }
  if (typeof run !== 'function') throw wrong(name, 'run is missing', 'a function');
  return { definition: { name, schedule: scheduleOf(options), onCrash }, run };
}

function scheduleOf({ name, every, cron, timezone }: JobOptions<never>): ScheduleDefinition {
  if ((every === undefined) === (cron === undefined)) {
    throw wrong(
      name,
      every === undefined ? 'it has neither every nor cron' : 'it has both every and cron',
      'exactly one of them',
    );
  }
  if (every !== undefined) {
    if (timezone !== undefined) throw wrong(name, 'it has every and timezone', 'timezone beside cron only');
    const everyMs = typeof every === 'string' ? parseDuration(every) : undefined;
    if (everyMs === undefined || everyMs < MIN_PERIOD_MS) {
      throw wrong(
        name,
        `every is ${JSON.stringify(every)}`,
        "a duration with its unit, such as '5m', of at least '1s'",
      );
    }
    return { everyMs };
  }
  const allowed = `a cron expression of five fields, or of six with seconds first, such as '0 9 * * 1-5'`;
  if (typeof cron !== 'string' || !CRON.test(cron.trim()))
    throw wrong(name, `cron is ${JSON.stringify(cron)}`, allowed);
  checkTimezone(name, timezone);
  const definition = { cron: cron.trim(), ...(timezone === undefined ? {} : { timezone }) };
  let isEverDue: boolean;
  try {
    isEverDue = new Schedule(definition).next(Date.now()) !== undefined;
  } catch (error) {
    throw wrong(name, `cron is '${cron}'`, `${allowed} (${messageOf(error)})`);
  }
  if (!isEverDue) throw wrong(name, `cron is '${cron}', which never comes due`, allowed);
  return definition;
}

function checkTimezone(name: string, timezone: unknown): void {
  if (timezone === undefined) return;
  try {
    if (typeof timezone !== 'string') throw new TypeError('it is no text');
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    // What Intl says is less than what we know.
    throw wrong(name, `timezone is ${JSON.stringify(timezone)}`, "an IANA name such as 'Europe/Berlin'");
  }
}

function wrong(name: string, what: string, allowed: string): ConfigError {
  return new ConfigError(`Job '${name}': ${what}; allowed: ${allowed}`);
}
