import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Entry, IdTable } from '../../../src/core/ipc/IdTable.js';

interface Thing extends Entry<Thing> {
  readonly id: number;
}

it('holds what was added and not taken, whatever the order, as a Map does', () => {
  // Ids that share a bucket (1024 apart) and ids that do not.
  const id = fc.oneof(
    fc.nat(5),
    fc.nat(5).map((n) => n * 1024),
    fc.integer(),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), id)), (steps) => {
      const table = new IdTable<Thing>();
      const map = new Map<number, Thing>();
      for (const [isAdded, id] of steps) {
        if (isAdded && !map.has(id)) {
          const thing = { id };
          table.add(thing);
          map.set(id, thing);
        } else {
          expect(table.take(id)).toBe(map.get(id));
          map.delete(id);
        }
        expect(table.size).toBe(map.size);
      }
      expect(table.entries()).toEqual([...map.values()].sort((left, right) => left.id - right.id));
    }),
  );
});

it('takes an id that no entry can have for one that is not there', () => {
  const table = new IdTable<Thing>();
  table.add({ id: 1 });
  for (const id of [1.5, -1, 2 ** 53, Number.NaN]) expect(table.take(id)).toBeUndefined();
  expect(table.size).toBe(1);
});
