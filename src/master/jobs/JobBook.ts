import { join } from 'node:path';
import { z } from 'zod';
import type { JobDefinition } from '../../core/contracts/ClusterContract.js';
import { JsonFile } from '../../core/files/JsonFile.js';
import type { Logger } from '../../core/log/logger.js';
import { Schedule } from '../../core/time/Schedule.js';

const runSchema = z.object({
  dueAt: z.number().int(),
  /** How often it has begun. */
  attempt: z.number().int().nonnegative(),
  /** How many processes died while they ran it. */
  deaths: z.number().int().nonnegative(),
  onCrash: z.enum(['again', 'drop']),
  /** The process that has it. Missing where it waits for one. */
  pid: z.number().int().positive().optional(),
  /** That process has said that it stops before the end of the run. */
  isInterrupted: z.boolean().optional(),
});

const scheduleSchema = z.union([
  z.object({ everyMs: z.number().int().positive() }),
  z.object({ cron: z.string(), timezone: z.string().optional() }),
]);

const schema = z.object({
  version: z.literal(1),
  jobs: z.array(
    z.object({
      name: z.string(),
      schedule: scheduleSchema,
      /** The last due time that has been dealt with, or when the job was first seen. */
      lastDueAt: z.number().int(),
      run: runSchema.optional(),
    }),
  ),
});

/** One run of a job that has not ended. */
export type RunState = z.infer<typeof runSchema>;

export interface JobState {
  readonly name: string;
  schedule: Schedule;
  onCrash: JobDefinition['onCrash'];
  lastDueAt: number;
  run: RunState | undefined;
  /** When the process was born that has defined it like that, on the clock's `now()`. */
  bornAt: number;
}

/**
 * What the master knows of each job, in `DATA_DIR/jobs.json`: when it was last due, and the run that is under way. A master that
 * starts goes on from there. Losing the file costs runs that came due meanwhile.
 */
export class JobBook {
  readonly #file: JsonFile<z.infer<typeof schema>>;
  readonly #logger: Logger;
  readonly #jobs = new Map<string, JobState>();

  public constructor(dataDir: string, logger: Logger) {
    this.#file = new JsonFile(join(dataDir, 'jobs.json'), schema);
    this.#logger = logger;
  }

  public get jobs(): Iterable<JobState> {
    return this.#jobs.values();
  }

  public find(name: string): JobState | undefined {
    return this.#jobs.get(name);
  }

  public load(): void {
    const file = this.#file.load(this.#logger, 'runs of jobs that came due meanwhile are left out');
    for (const { name, schedule, lastDueAt, run } of file?.jobs ?? []) {
      try {
        this.add({
          ...{ name, schedule: new Schedule(schedule), lastDueAt, run },
          onCrash: run?.onCrash ?? 'again',
          bornAt: Number.NEGATIVE_INFINITY,
        });
      } catch (error) {
        this.#logger.warn(
          { err: error, job: name },
          'the schedule of a job in jobs.json cannot be read; it begins anew',
        );
      }
    }
  }

  public add(job: JobState): void {
    this.#jobs.set(job.name, job);
  }

  public save(): void {
    const jobs = [...this.#jobs.values()].map(({ name, schedule, lastDueAt, run }) => ({
      ...{ name, schedule: schedule.definition, lastDueAt },
      ...(run === undefined ? {} : { run }),
    }));
    const content = jobs.length === 0 ? undefined : { version: 1 as const, jobs };
    this.#file.save(content, this.#logger, 'a new master could leave out runs of jobs, or repeat them');
  }
}
