import fc from 'fast-check';
import { expect, it } from 'vitest';
import * as measures from '../../src/core/text/measures.js';
import { PAGE } from './FakeAdmin.js';

/** Plain JavaScript, whose types are those of the measures that it must agree with. */
const page = (await import(new URL('format.js', PAGE).href)) as typeof measures;

/** No number is half way between two tenths, where the last bit decides how it is rounded. */
const fiftieths = (max: number): fc.Arbitrary<number> => fc.nat(50 * max).map((count) => count / 50);

it('shows numbers on the page as everywhere else', () => {
  fc.assert(
    fc.property(
      fc.oneof(fiftieths(12), fiftieths(1_100), fc.nat(130_000), fc.nat(100_000_000_000)),
      fc.oneof(fc.integer({ min: 1e6, max: 2e7 }), fc.integer({ min: 1e6, max: 9e11 })),
      fc.oneof(fiftieths(12), fc.nat(1e9)),
      fc.uniqueArray(fc.nat(40)).map((ids) => ids.sort((a, b) => a - b)),
      (ms, size, value, ids) => {
        expect(page.duration(ms)).toBe(measures.duration(ms));
        expect(page.bytes(size)).toBe(measures.bytes(size));
        expect(page.rate(value)).toBe(measures.rate(value));
        expect(page.whole(value)).toBe(measures.whole(value));
        expect(page.plural(Math.round(value), 'shard')).toBe(measures.plural(Math.round(value), 'shard'));
        expect(page.ranges(ids)).toBe(measures.ranges(ids));
      },
    ),
    { numRuns: 5_000 },
  );
  for (const show of [page.duration, page.bytes, page.rate, page.whole]) expect(show(null)).toBe(measures.UNKNOWN);
});
