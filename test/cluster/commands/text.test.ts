import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatEvalResults, shareFairly } from '../../../src/cluster/commands/text/evalText.js';
import {
  codeBlock,
  cutMessage,
  describeFailure,
  fitLines,
  linesBlock,
} from '../../../src/cluster/commands/text/messageText.js';
import { RemoteError, RequestTimeoutError, WorkerExitedError, WorkerNotFoundError } from '../../../src/core/errors.js';

const countFences = (text: string) => text.split('```').length - 1;
const isWellFormed = (text: string) => Buffer.from(text).toString() === text;

describe('cutMessage', () => {
  it('leaves a text that fits as it is', () => {
    expect(cutMessage('a'.repeat(2000))).toBe('a'.repeat(2000));
  });

  it('closes the code block that it cuts', () => {
    const cut = cutMessage(codeBlock('x'.repeat(3000), 'js'));
    expect(cut.length).toBeLessThanOrEqual(2000);
    expect(cut).toMatch(/^```js\nx+…\n```$/);
  });

  it('does not open one where the cut is behind a closed block', () => {
    expect(cutMessage(`${codeBlock('x')}${'y'.repeat(3000)}`)).toMatch(/y…$/);
  });

  it('fits, halves no character and leaves no fence open, wherever it cuts', () => {
    const pieces = fc.array(fc.constantFrom('```', '`', '``', '😀', 'é', 'ab', '\n'), { maxLength: 60 });
    fc.assert(
      fc.property(pieces, fc.integer({ min: 6, max: 80 }), (parts, maxLength) => {
        const text = parts.join('');
        const cut = cutMessage(text, maxLength);
        expect(cut.length).toBeLessThanOrEqual(maxLength);
        expect(isWellFormed(cut)).toBe(true);
        if (cut !== text) expect(countFences(cut) % 2).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('codeBlock', () => {
  it('cannot be left from inside', () => {
    expect(countFences(codeBlock('a ``` b ```` c'))).toBe(2);
  });
});

describe('fitLines', () => {
  it('says how many lines it leaves out', () => {
    const lines = Array.from({ length: 100 }, (_, index) => `line ${index}`);
    const fitted = fitLines(lines, 200);
    expect(fitted.length).toBeLessThanOrEqual(200);
    const shown = fitted.split('\n').length - 1;
    expect(fitted).toContain(`… and ${100 - shown} more`);
  });
});

describe('linesBlock', () => {
  it('fits, also where fences in the lines are broken', () => {
    const block = linesBlock(
      Array.from({ length: 100 }, () => '```'.repeat(10)),
      300,
    );
    expect(block.length).toBeLessThanOrEqual(300);
    expect(block).toMatch(/^```\n.*\n… and \d+ more\n```$/s);
    expect(countFences(block)).toBe(2);
  });
});

describe('shareFairly', () => {
  it('gives what the modest leave to the others, and never more than there is or is wanted', () => {
    expect(shareFairly([10, 500, 1000], 910)).toEqual([10, 450, 450]);
    fc.assert(
      fc.property(fc.array(fc.nat(1000)), fc.nat(5000), (wants, total) => {
        const shares = shareFairly(wants, total);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeLessThanOrEqual(total);
        for (const [index, share] of shares.entries()) expect(share).toBeLessThanOrEqual(wants[index] ?? 0);
      }),
    );
  });
});

describe('formatEvalResults', () => {
  const results = (count: number, output: string) =>
    Array.from({ length: count }, (_, index) => ({ target: `cluster ${index}`, ok: true, output }));

  it('shows value or error of each target', () => {
    const text = formatEvalResults([
      { target: 'cluster 0', ok: true, output: '42' },
      { target: 'cluster 1', ok: false, output: 'Error: no' },
    ]);
    expect(text).toBe('```js\ncluster 0: 42\ncluster 1 failed: Error: no\n```');
  });

  it('lets the long outputs share the room that the short ones leave', () => {
    const text = formatEvalResults([...results(2, 'x'.repeat(5000)), { target: 'master', ok: true, output: '1' }]);
    expect(text.length).toBeLessThanOrEqual(2000);
    expect(text.length).toBeGreaterThan(1980);
    expect(text).toContain('master: 1\n');
    const [first = '', second = ''] = text.split('\n').slice(1);
    expect(Math.abs(first.length - second.length)).toBeLessThanOrEqual(1);
  });

  it('shows each of 32 clusters, and counts those for which there is no room', () => {
    const many = formatEvalResults(results(32, '```'.repeat(100)));
    expect(many.length).toBeLessThanOrEqual(2000);
    expect(many).toContain('cluster 31: ');
    expect(countFences(many)).toBe(2);
    const tooMany = formatEvalResults(results(200, 'x'.repeat(100)));
    expect(tooMany.length).toBeLessThanOrEqual(2000);
    expect(tooMany).toMatch(/… and \d+ more\n```$/);
  });
});

describe('describeFailure', () => {
  it.each([
    [
      new RequestTimeoutError('getFleetStats', 10_000),
      'No reply came in the time allowed. (REQUEST_TIMEOUT: getFleetStats: no reply within 10000 ms) Try again in a moment.',
    ],
    [
      new WorkerExitedError('evaluate', 'cluster 2 (pid 7)', { code: null, signal: 'SIGKILL' }),
      'The process at the other end of the request has ended. (WORKER_EXITED: evaluate: cluster 2 (pid 7) was killed by SIGKILL) Try again in a moment.',
    ],
    [
      new RemoteError({ name: 'TypeError', message: 'x is not a function\n  at y', stack: 'secret path' }, 'master'),
      'The handler at the other end threw an error without a code of its own. (REMOTE_ERROR: x is not a function)',
    ],
    [
      new RemoteError(
        { name: 'WorkerNotFoundError', message: 'cluster 3 is starting', code: 'WORKER_NOT_FOUND' },
        'master',
      ),
      'No ready worker has this id. (WORKER_NOT_FOUND: cluster 3 is starting) Try again in a moment.',
    ],
    [
      new WorkerNotFoundError('cluster', 3, 'is starting'),
      'No ready worker has this id. (WORKER_NOT_FOUND: cluster 3 is starting) Try again in a moment.',
    ],
    [
      new RemoteError({ name: 'X', message: 'odd', code: 'SOMETHING_NEW' }, 'master'),
      'The process that was asked could not do it. (SOMETHING_NEW: odd)',
    ],
  ])('tells a user in one line: %s', (error, line) => {
    expect(describeFailure(error)).toBe(line);
  });
});
