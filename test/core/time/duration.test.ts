import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration } from '../../../src/core/time/duration.js';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['10 s', 10_000],
    ['1.5m', 90_000],
    ['.5s', 500],
    ['2 minutes', 120_000],
    ['0s', 0],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
  ])('reads %s', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  it.each(['', '5', '-5s', '5 parsecs', 's', '5s5', '1m30s', '1e3s', 'Infinity', '0x5s', '5s\n', ' 5s', '1..5s'])(
    'refuses %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined();
    },
  );

  it('gives whole milliseconds or nothing for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d.]{1,9} ?[a-z]{1,3}$/)), (text) => {
        const value = parseDuration(text);
        expect(value === undefined || (Number.isInteger(value) && value >= 0)).toBe(true);
      }),
    );
  });
});
