import { Writable } from 'node:stream';
import picocolors from 'picocolors';
import { describe, expect, it } from 'vitest';
import { checkRuntime } from '../../src/cli/doctor/checkRuntime.js';
import { LogCursor } from '../../src/cli/LogCursor.js';
import { Screen } from '../../src/cli/Screen.js';
import { statusText } from '../../src/cli/text/statusText.js';
import { renderTable } from '../../src/cli/text/table.js';
import { sampleCluster, sampleStatus } from './sampleStatus.js';

describe('a table', () => {
  const columns = [
    { title: 'A', cell: (row: string) => row },
    { title: 'RIGHT', align: 'right' as const, cell: () => '1' },
    { title: 'SPARE', spare: 1, cell: () => 'x' },
    { title: 'FIRST TO GO', spare: 2, cell: () => 'y' },
  ];

  it('has no lines and no blanks at the ends, and counts colours as nothing', () => {
    const red = picocolors.createColors(true).red('ab');
    expect(renderTable([red, 'c'], columns.slice(0, 2), { width: 80 })).toBe(`A   RIGHT\n${red}      1\nc       1`);
  });

  it('leaves out what does not fit, by its turn, and never what must stay', () => {
    const titles = (width: number) => renderTable(['a'], columns, { width }).split('\n')[0];
    expect(titles(40)).toBe('A  RIGHT  SPARE  FIRST TO GO');
    expect(titles(20)).toBe('A  RIGHT  SPARE');
    expect(titles(3)).toBe('A  RIGHT');
  });

  it('keeps a cell on its line', () => {
    expect(renderTable(['a\n  b'], columns.slice(0, 1), { width: 80 })).toBe('A\na b');
  });
});

describe('the status', () => {
  const options = { paint: picocolors.createColors(false), width: 60 };

  it('fits a narrow terminal as far as its table goes', () => {
    const table = statusText(sampleStatus(), options).split('\n\n')[1] ?? '';
    for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
    expect(table).toMatch(/^CLUSTER +STATE +SHARDS +GUILDS/);
  });

  it('shows the spares, and none where there is none or the master says nothing of them', () => {
    const line = (changes: Parameters<typeof sampleStatus>[0]) =>
      statusText(sampleStatus(changes), options).split('\n')[1];
    const spares = { wanted: 2, ready: 2, loading: 0, rssBytes: 1 };
    expect(line({ spares })).toContain(' · 4/4 shards · 2 spares · ');
    expect(line({ spares: { ...spares, ready: 0, loading: 1 } })).toContain(' · a spare loads · ');
    expect(line({ spares: { ...spares, ready: 0 } })).not.toContain('spare');
    const { spares: _none, ...older } = sampleStatus();
    expect(statusText(older as ReturnType<typeof sampleStatus>, options)).not.toContain('spare');
  });

  it('shows a master that has no clusters yet', () => {
    const text = statusText(
      sampleStatus({ phase: 'starting', clusters: [], shardCount: 0, spares: null, identify: null }),
      options,
    );
    expect(text).toMatch(/kallisti 1\.2\.3 · starting/);
    expect(text).toMatch(/! the master is starting, no cluster runs yet$/);
    expect(text).not.toContain('CLUSTER');
  });

  it('shows numbers that nobody knows as such, and a successor', () => {
    const unknown = sampleCluster(0, {
      successor: { pid: 5, generation: 2, state: 'starting' },
      guilds: null,
      rssBytes: null,
      commandLatencyMs: null,
      loopLag: null,
      pid: null,
    });
    expect(statusText(sampleStatus({ clusters: [unknown] }), { ...options, width: 200 })).toMatch(
      /^ +0 +ready \(successor starts\) +2\/2 +- +42 +1\.3 +- +- +- +1h 2m +1 +0 +-$/m,
    );
  });
});

describe('the screen', () => {
  const stream = (isTTY: boolean) => {
    let text = '';
    const writable = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    return Object.assign(writable, { isTTY, columns: 40, rows: 5, read: () => text });
  };
  const screenOn = (stdout: ReturnType<typeof stream>, env: NodeJS.ProcessEnv = {}) =>
    new Screen({ stdout, stderr: stream(false), stdin: process.stdin, env, signal: new AbortController().signal });

  it.each([
    [true, {}, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { NO_COLOR: '' }, true],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('on a terminal: %s, with %j, has colours: %s', (isTTY, env, expected) => {
    expect(screenOn(stream(isTTY), env).paint.isColorSupported).toBe(expected);
  });

  it('shows of what is too high for the terminal the beginning', () => {
    const stdout = stream(true);
    screenOn(stdout).live(['1', '2', '3', '4', '5', '6'].join('\n'));
    expect(stdout.read()).toMatch(/1\n2\n3\n\.\.\. 3 more lines\n/);
  });

  it('shows no live part where there is no terminal', () => {
    const stdout = stream(false);
    screenOn(stdout).live('x');
    expect(stdout.read()).toBe('');
  });
});

describe('a reader of logs', () => {
  const line = (time: number) => ({ clusterId: null, time, level: 'info' as const, text: `line ${time}` });

  it('skips what it has printed, as often as it has', () => {
    const cursor = new LogCursor();
    cursor.take([line(1), line(2), line(2)]);
    expect(cursor.skipPrinted([line(2), line(2), line(2), line(3)])).toEqual([line(2), line(3)]);
  });
});

it('the doctor refuses a Node that is too old', async () => {
  expect((await checkRuntime('18.20.0'))[0]).toMatchObject({ name: 'Node', level: 'fail' });
  expect((await checkRuntime('20.0.0'))[0]).toMatchObject({ name: 'Node', level: 'ok' });
});
