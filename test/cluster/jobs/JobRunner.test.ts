import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ClusterContext } from '../../../src/cluster/ClusterContext.js';
import type { RestRequest } from '../../../src/cluster/clients/ClientAdapter.js';
import { DispatchRunner } from '../../../src/cluster/dispatch/DispatchRunner.js';
import { currentRun } from '../../../src/cluster/dispatch/Run.js';
import { sendOnce } from '../../../src/cluster/dispatch/sendOnce.js';
import { defineJob, type JobRun } from '../../../src/cluster/jobs/Job.js';
import { JobRunner } from '../../../src/cluster/jobs/JobRunner.js';
import type { JobRunEnd } from '../../../src/core/contracts/ClusterContract.js';
import { type MemoryLogger, memoryLogger } from '../../support/memoryLogger.js';

/** The runner hands it on, and looks at nothing of it. */
const CONTEXT = { clusterId: 1 } as ClusterContext<unknown>;
const DUE = { name: 'sweep', dueAt: 5_000, attempt: 1 };

let dispatches: DispatchRunner;
let log: MemoryLogger;
let reports: JobRunEnd[];
/** What the master does with a report. */
let answer: () => Promise<unknown>;
beforeEach(() => {
  dispatches = new DispatchRunner();
  dispatches.start();
  log = memoryLogger();
  reports = [];
  answer = () => Promise.resolve();
});
afterEach(() => dispatches.stop());

function runner(run: (context: ClusterContext<unknown>, run: JobRun) => unknown, ...others: string[]): JobRunner {
  return new JobRunner({
    jobs: ['sweep', ...others].map((name) => defineJob({ name, every: '5m', run })),
    logger: () => log.logger,
    onOpen: (dispatch) => dispatches.changed(dispatch),
    report: (end) => {
      reports.push(end);
      return answer();
    },
  });
}

function pending() {
  let end = (): void => {};
  const promise = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { promise, end };
}

const outcomes = () => reports.map(({ outcome }) => outcome);

describe('a run', () => {
  it('knows when it was due and which attempt it is, and its end is reported when its promise has settled', async () => {
    const work = pending();
    let seen: unknown;
    const jobs = runner((context, { signal, ...run }) => {
      seen = { context, ...run, aborted: signal.aborted };
      return work.promise;
    });
    jobs.run({ ...DUE, attempt: 2 }, CONTEXT);
    expect(seen).toEqual({ context: CONTEXT, dueAt: 5_000, attempt: 2, aborted: false });
    expect(jobs.declaration()?.running).toEqual([{ ...DUE, attempt: 2 }]);
    expect(reports).toEqual([]);
    work.end();
    await expect.poll(() => reports).toEqual([{ ...DUE, attempt: 2, outcome: 'done' }]);
    expect(jobs.declaration()).toMatchObject({ running: [], ended: [] });
  });

  it('that throws has failed, and the log says so once', async () => {
    const jobs = runner(() => {
      throw new Error('no apples');
    });
    jobs.run(DUE, CONTEXT);
    await expect.poll(outcomes).toEqual(['failed']);
    expect(log.warnings()).toEqual(["job 'sweep' threw"]);
  });

  it('goes on as long as what was given to hold()', async () => {
    const held = pending();
    const jobs = runner(() => void dispatches.hold(held.promise));
    jobs.run(DUE, CONTEXT);
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reports).toEqual([]);
    held.end();
    await expect.poll(outcomes).toEqual(['done']);
  });

  it('is waited for by whoever waits for the work of the process', async () => {
    const work = pending();
    const jobs = runner(() => work.promise);
    jobs.run(DUE, CONTEXT);
    const drained = dispatches.drain(60_000);
    work.end();
    expect(await drained).toEqual([]);
    expect(outcomes()).toEqual(['done']);
  });

  it('that a stop cuts off is told so, and so is the master; its own end means nothing then', async () => {
    const work = pending();
    let signal: AbortSignal | undefined;
    const jobs = runner((_context, run) => {
      signal = run.signal;
      return work.promise;
    });
    jobs.run(DUE, CONTEXT);
    jobs.refuse();
    expect(signal?.aborted).toBe(false);
    jobs.interrupt();
    expect(signal?.aborted).toBe(true);
    work.end();
    await dispatches.drain(1_000);
    expect(outcomes()).toEqual(['interrupted']);
  });

  it('is refused by a cluster that stops, that does not have the job, or that has a run of it', () => {
    const jobs = runner(() => new Promise(() => {}));
    expect(() => jobs.run({ ...DUE, name: 'other' }, CONTEXT)).toThrow("there is no job 'other' here");
    jobs.run(DUE, CONTEXT);
    expect(() => jobs.run({ ...DUE, dueAt: 6_000 }, CONTEXT)).toThrow("a run of job 'sweep' goes on here already");
    jobs.refuse();
    expect(() => jobs.run(DUE, CONTEXT)).toThrow('this cluster stops');
  });
});

describe('without a master', () => {
  it('the end of a run is kept for the next one, until that has confirmed it', async () => {
    answer = () => Promise.reject(new Error('the master is gone'));
    const jobs = runner(() => {});
    jobs.run(DUE, CONTEXT);
    await expect.poll(outcomes).toEqual(['done']);
    const declaration = jobs.declaration();
    expect(declaration?.ended).toEqual([{ ...DUE, outcome: 'done' }]);
    expect(jobs.declaration()?.ended).toHaveLength(1);
    if (declaration !== undefined) jobs.confirmed(declaration);
    expect(jobs.declaration()?.ended).toEqual([]);
  });
});

describe('a declaration', () => {
  it('names the jobs, and how old the process is', () => {
    const declaration = runner(() => {}, 'other').declaration();
    expect(declaration?.jobs).toEqual(
      ['sweep', 'other'].map((name) => ({ name, schedule: { everyMs: 300_000 }, onCrash: 'again' })),
    );
    expect(declaration?.ageMs).toBeGreaterThan(0);
  });

  it('is none for a bot without jobs', () => {
    const options = { logger: () => log.logger, onOpen: () => {}, report: () => Promise.resolve() };
    expect(new JobRunner({ ...options, jobs: [] }).declaration()).toBeUndefined();
  });

  it('has each name once', () => {
    expect(() => runner(() => {}, 'other', 'other')).toThrow(
      "Job 'other' is defined twice; allowed: one job of each name",
    );
  });
});

describe('what a run sends', () => {
  /** The nonces of two messages that a run sends. */
  async function nonces(run: typeof DUE): Promise<unknown[]> {
    const sent: RestRequest[] = [];
    const send = (request: RestRequest) => {
      sent.push(request);
      return Promise.resolve({});
    };
    const message = { method: 'POST', path: '/channels/1/messages', body: { content: 'hi' } } as const;
    const jobs = runner(async () => {
      await sendOnce(message, send);
      await sendOnce(message, send);
      expect(currentRun()?.dispatch.facts.attempt).toBe(run.attempt);
    });
    const { length } = reports;
    jobs.run(run, CONTEXT);
    await expect.poll(() => reports[length]?.outcome).toBe('done');
    return sent.map(({ body }) => (body as { nonce?: unknown }).nonce);
  }

  it('has the same nonces in each attempt, and other ones in each run and for each message', async () => {
    const first = await nonces(DUE);
    expect(new Set(first).size).toBe(2);
    expect(await nonces({ ...DUE, attempt: 2 })).toEqual(first);
    expect(await nonces({ ...DUE, dueAt: 6_000 })).not.toContain(first[0]);
  });
});
