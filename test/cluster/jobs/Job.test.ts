import { describe, expect, it } from 'vitest';
import { defineJob, type JobOptions } from '../../../src/cluster/jobs/Job.js';

const run = () => {};
const define = (options: object) => defineJob({ name: 'sweep', run, ...options } as unknown as JobOptions).definition;
const NEEDS = 'allowed: exactly one of them';
const EVERY = `allowed: a duration with its unit, such as '5m', of at least '1s'`;
const CRON = `allowed: a cron expression of five fields, or of six with seconds first, such as '0 9 * * 1-5'`;

describe('a job', () => {
  it.each([
    [{ every: '5m' }, { everyMs: 300_000 }],
    [{ every: '1s' }, { everyMs: 1_000 }],
    [{ every: '30d' }, { everyMs: 30 * 86_400_000 }],
    [{ cron: '0 9 * * 1-5' }, { cron: '0 9 * * 1-5' }],
    [{ cron: ' */10 * * * * * ' }, { cron: '*/10 * * * * *' }],
    [
      { cron: '@daily', timezone: 'Europe/Berlin' },
      { cron: '@daily', timezone: 'Europe/Berlin' },
    ],
  ])('is due by a duration or by a cron expression: %j', (options, schedule) => {
    expect(define(options)).toEqual({ name: 'sweep', schedule, onCrash: 'again' });
  });

  it('says whether it is done again', () => {
    expect(define({ every: '1h', onCrash: 'drop' }).onCrash).toBe('drop');
  });

  it.each([
    [{}, `it has neither every nor cron; ${NEEDS}`],
    [{ every: '5m', cron: '* * * * *' }, `it has both every and cron; ${NEEDS}`],
    [{ every: '5m', timezone: 'UTC' }, 'it has every and timezone; allowed: timezone beside cron only'],
    [{ every: '5' }, `every is "5"; ${EVERY}`],
    [{ every: 300_000 }, `every is 300000; ${EVERY}`],
    [{ every: '999ms' }, `every is "999ms"; ${EVERY}`],
    [{ every: '-5m' }, `every is "-5m"; ${EVERY}`],
    [{ every: '' }, `every is ""; ${EVERY}`],
    [{ cron: '* * * *' }, `cron is "* * * *"; ${CRON}`],
    [{ cron: '* * * * * * *' }, `cron is "* * * * * * *"; ${CRON}`],
    [{ cron: '2030-01-01T00:00:00' }, `cron is "2030-01-01T00:00:00"; ${CRON}`],
    [{ cron: 5 }, `cron is 5; ${CRON}`],
    [{ cron: '0 0 30 2 *' }, `cron is '0 0 30 2 *', which never comes due; ${CRON}`],
    [
      { cron: '0 9 * * *', timezone: 'Mars/Olympus' },
      `timezone is "Mars/Olympus"; allowed: an IANA name such as 'Europe/Berlin'`,
    ],
    [{ every: '5m', onCrash: 'rerun' }, `onCrash is "rerun"; allowed: 'again' or 'drop'`],
    [{ every: '5m', run: undefined }, 'run is missing; allowed: a function'],
  ])('with %j is refused at its definition', (options, message) => {
    expect(() => define(options)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message: `Job 'sweep': ${message}` }),
    );
  });

  it.each(['61 * * * *', '* * * * mon-funday', '@fortnightly'])("with the cron expression '%s' is told why", (cron) => {
    expect(() => define({ cron })).toThrow(
      new RegExp(`^Job 'sweep': cron is '.*'; ${CRON.replace(/[*]/g, '\\*')} \\(.+\\)$`),
    );
  });

  it.each([undefined, '', ' ', 'x'.repeat(101), 7])('has a name, and not %j', (name) => {
    expect(() => define({ every: '5m', name })).toThrow(
      /^The name of a job is .*; allowed: a text of 1 to 100 characters$/,
    );
  });
});
