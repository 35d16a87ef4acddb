/** The same numbers for the same seed (mulberry32). */
export class Random {
  #state: number;

  public constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 (inclusive) to 1. */
  public next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  public below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  public pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  /** Two of them, not the same. */
  public pair<Item>(items: readonly Item[]): readonly [Item, Item] {
    const first = this.pick(items);
    return [first, this.pick(items.filter((item) => item !== first))];
  }
}
