import { describe, expect, it } from 'vitest';
import { bytes, duration, ranges, rate, whole } from '../../../src/core/text/measures.js';

describe('measures', () => {
  it.each([
    [bytes(null), '-'],
    [bytes(0), '0 B'],
    [bytes(999), '999 B'],
    [bytes(1200), '1.2 kB'],
    [bytes(999_600), '999.6 kB'],
    [bytes(123_400_000), '123 MB'],
    [bytes(1_940_000_000), '1.9 GB'],
    [bytes(10_400_000_000), '10.4 GB'],
    [bytes(5e15), '5 PB'],
    [duration(null), '-'],
    [duration(15), '15ms'],
    [duration(4200), '4.2s'],
    [duration(59_970), '59.9s'],
    [duration(3_600_000), '1h'],
    [duration(11_520_000), '3h 12m'],
    [duration(90_000_000), '1d 1h'],
    [duration(2.25), '2.3ms'],
    [duration(31.4), '31ms'],
    [rate(0), '0'],
    [rate(1.25), '1.3'],
    [rate(1234.5), '1,235'],
    [whole(1_234_567), '1,234,567'],
    [ranges([]), ''],
    [ranges([3, 0, 1, 2, 7, 9, 10]), '0-3, 7, 9, 10'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
