/** What an {@link IdTable} holds. The table alone touches `next`. */
export interface Entry<Self> {
  readonly id: number;
  next?: Self | undefined;
}

/** A power of two, so that the lower bits of an id name its bucket. Ids are given out one by one, which fills all alike. */
const BUCKETS = 1024;

/**
 * Things by their id, for many that come and go.
 *
 * Not a `Map`: V8 makes a new table for it after every few hundred of them, to which the old one points
 * (ordered-hash-table.cc, `Rehash`, `SetNextTable`), and the old one keeps what it held. When one of these has got into the old
 * space, all that follow are kept until a full collection. With a hundred requests in flight that was a fifth of a master's time.
 */
export class IdTable<E extends Entry<E>> {
  readonly #buckets: (E | undefined)[] = Array.from({ length: BUCKETS }, () => undefined);
  #size = 0;

  public get size(): number {
    return this.#size;
  }

  /** An id that is held already hides the entry before until it is taken. */
  public add(entry: E): void {
    const bucket = entry.id & (BUCKETS - 1);
    entry.next = this.#buckets[bucket];
    this.#buckets[bucket] = entry;
    this.#size++;
  }

  /** @returns what was held under this id, and is not any more. */
  public take(id: number): E | undefined {
    const bucket = id & (BUCKETS - 1);
    let previous: E | undefined;
    let entry = this.#buckets[bucket];
    while (entry !== undefined && entry.id !== id) {
      previous = entry;
      entry = entry.next;
    }
    if (entry === undefined) return undefined;
    if (previous === undefined) this.#buckets[bucket] = entry.next;
    else previous.next = entry.next;
    entry.next = undefined;
    this.#size--;
    return entry;
  }

  /** @returns all that it holds now, by rising id. */
  public entries(): E[] {
    const all: E[] = [];
    for (let entry of this.#buckets) {
      for (; entry !== undefined; entry = entry.next) all.push(entry);
    }
    return all.sort((left, right) => left.id - right.id);
  }
}
